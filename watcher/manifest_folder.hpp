#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "router/base/log.hpp"
#include "router/base/result.hpp"
#include "watcher/source.hpp"

namespace fairlead {

struct ManifestFolderOptions {
  std::filesystem::path folder;
  std::string watch_namespace;  // "" = all
  // The folder is also looked at as often as this, for what inotify does not tell (network file systems, links to files
  // elsewhere); and as often as that when it tells nothing at all.
  std::chrono::milliseconds look_again{30'000};
  std::chrono::milliseconds look_again_when_deaf{1'000};
  // A file that disappears, or becomes empty, is served this much longer: many editors put a new one in its place in
  // two steps.
  std::chrono::milliseconds removal_grace{250};
  // A file that was written less than this ago may still be being written: a look leaves it for later.
  std::chrono::milliseconds write_grace{200};
};

// Serves the manifests in a folder and its subfolders, on a thread of its own. Fails when there is no such folder or it
// cannot be read. A folder that disappears later keeps what it held. log and sink must outlive the source.
Result<std::unique_ptr<Source>> start_manifest_folder(const ManifestFolderOptions& options, Log& log, ChangeSink& sink);

}  // namespace fairlead

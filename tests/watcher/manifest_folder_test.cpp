#include "watcher/manifest_folder.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/watcher/kept_changes.hpp"

namespace fairlead {
namespace {

namespace fs = std::filesystem;
using test::KeptChanges;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string service(const std::string& name, int port = 80) {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name +
         ", namespace: shop}\nspec: {ports: [{port: " + std::to_string(port) + "}]}\n";
}

class ManifestFolderTest : public testing::Test {
 protected:
  void start() {
    options.folder = folder.path();
    auto started = start_manifest_folder(options, log, changes);
    ASSERT_TRUE(started) << started.error().message;
    source = std::move(*started);
    ASSERT_TRUE(changes.await([](const auto& kept) { return kept.size() >= 5; }));
  }
  // Later changes than this one are heard after it.
  void mark() {
    folder.write("zz-mark.yaml", service("mark-" + std::to_string(++marks)));
    ASSERT_TRUE(changes.hears("put Service shop/mark-" + std::to_string(marks)));
  }
  std::string last_problem() const {
    std::string text;
    for (const Change& change : changes.all()) {
      if (change.type == Change::Type::problems && !change.problems.empty()) text = change.problems[0].message;
    }
    return text;
  }

  test::TemporaryFolder folder;
  NoLog log;
  KeptChanges changes;
  ManifestFolderOptions options;
  int marks = 0;
  std::unique_ptr<Source> source;
};

TEST_F(ManifestFolderTest, ReadsYamlAndJsonAndSubfoldersAndNothingElse) {
  folder.write("a.yaml", service("a") + "---\n" + service("b"));
  folder.write("deep/er/c.yml", service("c"));
  folder.write("d.json", R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"d","namespace":"shop"}})");
  folder.write("e.txt", service("e"));
  folder.write(".f.yaml", service("f"));
  folder.write("g.yaml~", service("g"));
  start();
  EXPECT_THAT(changes.texts(), Contains("replace Service: shop/a shop/b shop/c shop/d"));
}

TEST_F(ManifestFolderTest, HearsAFileThatIsWrittenInPlace) {
  start();
  folder.write("a.yaml", service("a"));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
}

TEST_F(ManifestFolderTest, AFileMovedOverTheOldOneLosesNothing) {
  folder.write("a.yaml", service("a"));
  start();
  folder.replace("a.yaml", service("a", 81));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
  mark();
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/a")));
}

TEST_F(ManifestFolderTest, AFileMovedAwayAndWrittenAnewLosesNothing) {
  options.removal_grace = KeptChanges::patience;
  folder.write("a.yaml", service("a"));
  start();
  fs::rename(folder / "a.yaml", folder / "a.yaml~");
  mark();
  folder.write("a.yaml", service("a", 81));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/a")));
}

TEST_F(ManifestFolderTest, AFileThatIsEmptyForAMomentLosesNothing) {
  options.removal_grace = KeptChanges::patience;
  folder.write("a.yaml", service("a"));
  start();
  folder.write("a.yaml", "");
  mark();
  folder.write("a.yaml", service("a", 81));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/a")));
}

TEST_F(ManifestFolderTest, AFileThatStaysEmptyTakesItsObjectsAlong) {
  options.removal_grace = std::chrono::milliseconds(1);
  folder.write("a.yaml", service("a"));
  start();
  folder.write("a.yaml", "");
  EXPECT_TRUE(changes.hears("remove Service shop/a"));
}

TEST_F(ManifestFolderTest, ALookDoesNotReadAFileThatIsBeingWritten) {
  options.removal_grace = std::chrono::milliseconds(1);
  options.write_grace = KeptChanges::patience;
  folder.write("a.yaml", service("a") + "---\n" + service("b"));
  start();
  std::ofstream writer(folder / "a.yaml", std::ios::binary | std::ios::trunc);
  writer << service("a", 81) << std::flush;
  fs::create_directory(folder / "new");  // which makes it look
  mark();
  writer << "---\n" << service("b") << std::flush;
  writer.close();
  EXPECT_TRUE(changes.hears("put Service shop/a"));
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/b")));
}

TEST_F(ManifestFolderTest, AFileThatALookLeftIsReadSoonAfter) {
  const test::TemporaryFolder elsewhere;
  elsewhere.write("a.yaml", service("a"));
  fs::create_symlink(elsewhere / "a.yaml", folder / "a.yaml");
  start();
  elsewhere.write("a.yaml", service("a", 8181));
  fs::create_directory(folder / "new");
  EXPECT_TRUE(changes.hears("put Service shop/a"));
}

TEST_F(ManifestFolderTest, WhatCannotBeLookedAtKeepsItsObjects) {
  options.removal_grace = std::chrono::milliseconds(0);
  folder.write("a.yaml", service("a"));
  folder.write("b/b.yaml", service("b"));
  start();
  for (const std::string name : {"a.yaml", "b"}) {
    const fs::path link = folder / ("." + name);
    fs::create_symlink(name, link);  // in its place a link to itself
    ASSERT_EQ(::renameat2(AT_FDCWD, link.c_str(), AT_FDCWD, (folder / name).c_str(), RENAME_EXCHANGE), 0);
  }
  mark();
  mark();
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/a")));
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/b")));
  EXPECT_THAT(last_problem(), HasSubstr("before stay"));
}

// With many others beside it a look takes long enough for a folder to be made meanwhile.
TEST_F(ManifestFolderTest, HearsFoldersThatAreMadeWhileItLooks) {
  options.write_grace = std::chrono::milliseconds(0);
  for (int i = 0; i < 300; ++i) fs::create_directory(folder / ("other" + std::to_string(i)));
  start();
  for (int i = 0; i < 30 && !HasFailure(); ++i) {
    const std::string deep = "new" + std::to_string(i) + "/er";
    fs::create_directory((folder / deep).parent_path());
    for (int turns = 0; turns < 50 * i; ++turns) (void)fs::exists(folder / deep);
    fs::create_directory(folder / deep);
    mark();
    folder.write(deep + "/a.yaml", service("a" + std::to_string(i)));
    EXPECT_TRUE(changes.hears("put Service shop/a" + std::to_string(i)));
  }
}

TEST_F(ManifestFolderTest, ARemovedFileTakesItsObjectsAlong) {
  options.removal_grace = std::chrono::milliseconds(1);
  folder.write("a.yaml", service("a"));
  start();
  folder.remove("a.yaml");
  EXPECT_TRUE(changes.hears("remove Service shop/a"));
}

TEST_F(ManifestFolderTest, FollowsFoldersThatAppearAndDisappear) {
  options.removal_grace = std::chrono::milliseconds(1);
  start();
  folder.write("new/er/a.yaml", service("a"));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
  folder.write("new/er/b.yaml", service("b"));
  EXPECT_TRUE(changes.hears("put Service shop/b"));
  fs::rename(folder / "new", folder / "other");
  folder.write("other/er/c.yaml", service("c"));
  EXPECT_TRUE(changes.hears("put Service shop/c"));
  folder.remove("other");
  EXPECT_TRUE(changes.hears("remove Service shop/a"));
  EXPECT_TRUE(changes.hears("remove Service shop/c"));
}

TEST_F(ManifestFolderTest, ABrokenFileKeepsWhatItHeldAndIsNamedWithItsLine) {
  folder.write("a.yaml", service("a"));
  start();
  folder.write("a.yaml", "kind: Service\nmetadata: [\n");
  EXPECT_TRUE(changes.hears("problems 1"));
  EXPECT_THAT(last_problem(), HasSubstr("line "));
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/a")));
  folder.write("a.yaml", service("a", 81));
  EXPECT_TRUE(changes.hears("problems 0"));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
}

TEST_F(ManifestFolderTest, HearsAMountedConfigMapThatIsSwappedByALink) {
  folder.write("..1/a.yaml", service("a"));
  folder.write("..2/a.yaml", service("a", 81));
  fs::create_directory_symlink("..1", folder / "..data");
  fs::create_symlink("..data/a.yaml", folder / "a.yaml");
  start();
  EXPECT_THAT(changes.texts(), Contains("replace Service: shop/a"));
  fs::create_directory_symlink("..2", folder / "..data_tmp");
  fs::rename(folder / "..data_tmp", folder / "..data");
  EXPECT_TRUE(changes.hears("put Service shop/a"));
}

TEST_F(ManifestFolderTest, LinksThatLeadBackEndSomewhere) {
  folder.write("a.yaml", service("a"));
  fs::create_directory_symlink(".", folder / "again");
  start();
  EXPECT_THAT(changes.texts(), Contains("replace Service: shop/a"));
}

TEST_F(ManifestFolderTest, ALookNowAndThenFindsWhatIsNotTold) {
  const test::TemporaryFolder elsewhere;
  elsewhere.write("a.yaml", service("a"));
  fs::create_symlink(elsewhere / "a.yaml", folder / "a.yaml");
  options.look_again = std::chrono::milliseconds(1);
  start();
  elsewhere.write("a.yaml", service("a", 8181));
  EXPECT_TRUE(changes.hears("put Service shop/a"));
}

TEST_F(ManifestFolderTest, AFolderThatIsGoneKeepsItsObjectsAndComesBack) {
  options.look_again_when_deaf = std::chrono::milliseconds(1);
  options.removal_grace = std::chrono::milliseconds(1);
  folder.write("a.yaml", service("a"));
  start();
  const fs::path away = folder.path().string() + "-away";
  fs::rename(folder.path(), away);
  EXPECT_TRUE(changes.hears("problems 1"));
  EXPECT_THAT(last_problem(), HasSubstr("what it held before stays in use"));
  fs::rename(away, folder.path());
  EXPECT_TRUE(changes.hears("problems 0"));
  folder.write("b.yaml", service("b"));
  EXPECT_TRUE(changes.hears("put Service shop/b"));
  EXPECT_THAT(changes.texts(), Not(Contains("remove Service shop/a")));
}

TEST_F(ManifestFolderTest, AFileThatIsTooLargeIsRefusedByName) {
  start();
  folder.write("a.yaml", service("a") + std::string(9 << 20, '#'));
  EXPECT_TRUE(changes.hears("problems 1"));
  EXPECT_THAT(last_problem(), HasSubstr("larger than"));
}

TEST_F(ManifestFolderTest, WhatIsNoFileIsPassedOver) {
  ASSERT_EQ(::mkfifo((folder / "a.yaml").c_str(), 0600), 0);
  folder.write("b.yaml", service("b"));
  start();
  EXPECT_THAT(changes.texts(), Contains("replace Service: shop/b"));
}

TEST(ManifestFolderStart, FailsInOneLineWhenThereIsNoSuchFolder) {
  NoLog log;
  KeptChanges changes;
  const test::TemporaryFolder folder;
  const auto missing = start_manifest_folder({.folder = folder / "missing", .watch_namespace = ""}, log, changes);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("missing: No such file or directory"));
  folder.write("file", "");
  const auto file = start_manifest_folder({.folder = folder / "file", .watch_namespace = ""}, log, changes);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("is not a folder"));
}

}  // namespace
}  // namespace fairlead

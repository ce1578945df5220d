#pragma once

#include "router/head.hpp"
#include "router/hop_headers.hpp"

namespace fairlead {

// Which fields of an upstream's head pass to the client, in whatever protocol it speaks: not those of the hop, nor
// Server, nor what an edit removes or replaces. Borrows from the head and the edits.
class ResponseFieldFilter {
 public:
  // edits: null for an interim head. with_length: Content-Length passes as it is.
  ResponseFieldFilter(const ResponseHead& head, const HeadEdits* edits, bool with_length)
      : nominated_(head.fields), edits_(edits && !edits->empty() ? edits : nullptr), with_length_(with_length) {}

  bool drops(const Field& field) const {
    if (field.known == FieldName::content_length) return !with_length_;
    if (field.known == FieldName::server || is_hop_by_hop(field.known)) return true;
    if (!nominated_.empty() && nominated_.contains(field.name)) return true;
    return edits_ && edits_->drops(field);
  }

 private:
  const NominatedFields nominated_;
  const HeadEdits* const edits_;
  const bool with_length_;
};

}  // namespace fairlead

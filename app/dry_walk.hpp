#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/dry_page.hpp"

namespace pawl::app {

/// How much of a source a dry walk asks for.
struct DryBounds {
    std::size_t partitions = 2;  ///< of each stream, and windows of each partition: the first ones
    std::size_t pages = 2;       ///< of each walk
};

/// Streams in an order in which those that fill a table come before those that are asked for its rows.
[[nodiscard]] std::vector<const core::Stream*> parents_first(const core::SourceFile& source);
/// `stream`, and all whose rows it needs, in that order.
[[nodiscard]] std::vector<const core::Stream*> with_parents(const core::SourceFile& source, const core::Stream& stream);

/// Walks the first partitions of streams page by page, decided by the functions that collectors and workers use, without
/// Redis and Postgres. What Postgres would decide is left out: `where` and `order` of a foreach; rows become partitions in the
/// order in which they come. A partition needs a value in each column that its stream uses.
class DryWalk {
  public:
    /// A walk that did not come to a page: why.
    struct Failure {
        std::string stream, reason;
    };
    /// `begun`: when it begins, microseconds since 1970. `found` is told of each page, endings too.
    DryWalk(std::shared_ptr<const core::SourceFile> source, DryPages pages, DryBounds bounds, std::int64_t begun,
            std::function<void(const DryPage&)> found);

    /// Walks `streams`, in this order. A walk that fails is told in `failures`, and the others go on. Throws
    /// core::RefusedError when the API refuses the credentials.
    core::Task<> walk(std::vector<const core::Stream*> streams);
    [[nodiscard]] const std::vector<Failure>& failures() const { return failures_; }

  private:
    core::Task<> walk_stream(const core::Stream* stream);
    core::Task<> walk_slice(const core::Stream* stream, core::SliceDescriptor slice);
    /// The page, or nullopt where it was told as a failure.
    core::Task<std::optional<DryPage>> ask(const core::Stream* stream, core::SliceDescriptor slice,
                                           std::optional<std::string> cursor);
    [[nodiscard]] std::vector<core::SliceDescriptor> slices_of(const core::Stream& stream) const;
    void keep_parents(const DryPage& page);

    std::shared_ptr<const core::SourceFile> source_;
    DryPages pages_;
    DryBounds bounds_;
    std::int64_t begun_;
    std::function<void(const DryPage&)> found_;
    std::map<std::string, std::vector<std::string>> parents_;  // stream → rows that it is asked for, as JSON
    std::vector<Failure> failures_;
};

}  // namespace pawl::app

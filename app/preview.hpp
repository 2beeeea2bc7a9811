#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/dry_page.hpp"

namespace pawl::app {

/// Fetches the first page of a stream without Redis and Postgres, and stores nothing. A child stream gets its parent's values
/// from the first page of the stream above it, and so on up; `given` values (placeholder → value) win over those.
class Preview {
  public:
    Preview(std::shared_ptr<const core::SourceFile> source, DryPages pages, std::map<std::string, std::string> given);

    /// Throws as DryPages::page, core::PermanentError when the API answers with no page, and UsageError when a placeholder has
    /// no value. `stream` is one of the source's and lives as long.
    core::Task<DryPage> page(const core::Stream& stream);
    /// The page that `cursor` asks for in this walk (nullopt: the first), as it is now. Throws as above.
    core::Task<DryPage> again(const core::Stream& stream, core::SliceDescriptor slice, std::optional<std::string> cursor);

  private:
    /// A stream on the way down to the one asked for, and the table that it fills for the next.
    struct Step {
        const core::Stream* stream = nullptr;
        std::string table;
    };
    [[nodiscard]] std::vector<Step> way_down_to(const core::Stream& stream) const;
    [[nodiscard]] std::optional<Step> above(const core::Stream& stream) const;
    [[nodiscard]] bool is_given(const core::Stream& stream) const;
    [[nodiscard]] core::SliceDescriptor slice_of(const core::Stream& stream,
                                                 const std::string& parent) const;
    [[nodiscard]] std::string add_given(const std::string& json) const;
    core::Task<DryPage> fetch(const core::Stream* stream, core::SliceDescriptor slice);
    [[nodiscard]] std::string row_for(const core::Stream& child, const DryPage& seen,
                                      const std::string& table) const;

    std::shared_ptr<const core::SourceFile> source_;
    DryPages pages_;
    std::map<std::string, std::string> given_;
};

}  // namespace pawl::app

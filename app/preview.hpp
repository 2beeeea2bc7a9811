#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/http.hpp"
#include "collector/paging.hpp"
#include "collector/request.hpp"
#include "collector/tokens.hpp"
#include "core/job.hpp"
#include "core/rows.hpp"
#include "core/settings.hpp"
#include "core/source_file.hpp"
#include "core/task.hpp"

namespace pawl::app {

/// One page of a stream as it would be stored.
struct PreviewPage {
    const core::Stream* stream = nullptr;
    std::string url;  ///< as asked, secrets removed
    int status = 0;
    std::size_t body_bytes = 0;
    std::string body_hash;  ///< as the ledger keeps it
    collector::Following following;
    core::PageRows rows;
    std::vector<std::pair<std::string, std::string>> limits;  ///< headers that tell about quota
    std::vector<std::string> notes;                           ///< what was assumed on the way here
};

/// Fetches the first page of a stream without Redis and Postgres, and stores nothing (but a renewed
/// token, where `tokens` has a store). A child
/// stream gets its parent's values from the first page of the stream above it, and so on up;
/// `given` values win over those.
class Preview {
  public:
    struct Context {
        collector::Http& http;
        core::Random& random;
        const core::Settings& settings;
        const std::map<std::string, std::string>& environment;
        std::map<std::string, std::string> given;  ///< placeholder → value
        std::shared_ptr<collector::Tokens> tokens;  ///< null: the source's keys are fixed
    };
    Preview(std::shared_ptr<const core::SourceFile> source, Context context);

    /// Throws core::RefusedError when the API refuses the credentials, core::TransientError when it
    /// cannot be reached or says to come later, core::PermanentError when it answers with no page,
    /// UsageError when a placeholder has no value. `stream` is one of the source's and lives as
    /// long.
    core::Task<PreviewPage> page(const core::Stream& stream);
    /// The page that `cursor` asks for in this walk (nullopt: the first), as it is now. Throws as above.
    core::Task<PreviewPage> again(const core::Stream& stream, core::SliceDescriptor slice, std::optional<std::string> cursor);

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
    struct Answer {
        std::string url;  ///< where it came from, secrets removed
        collector::HttpResponse response;
    };
    core::Task<PreviewPage> fetch(const core::Stream* stream, core::SliceDescriptor slice);
    core::Task<Answer> ask(const core::Stream* stream, core::SliceDescriptor slice, std::optional<std::string> cursor);
    core::Task<std::string> key();
    [[nodiscard]] PreviewPage read(const core::Stream& stream, core::SliceDescriptor slice,
                                   Answer answer) const;
    [[nodiscard]] std::string row_for(const core::Stream& child, const PreviewPage& seen,
                                      const std::string& table) const;
    [[nodiscard]] collector::HttpRequest to_http(const collector::PageRequest& request, const std::string& key) const;

    std::shared_ptr<const core::SourceFile> source_;
    Context context_;
};

/// The first row of `rows` that has a value in each of `columns`, as a JSON object text; "" when
/// there is none. Pure.
[[nodiscard]] std::string first_row_with(const core::EmitRows& rows,
                                         const std::vector<std::string>& columns);
/// The column types that the rows of this page ask for, in the order of the columns. Pure.
[[nodiscard]] std::vector<core::ColumnType> column_types(const core::EmitRows& rows);

}  // namespace pawl::app

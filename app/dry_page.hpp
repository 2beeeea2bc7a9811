#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/limit_headers.hpp"
#include "collector/http.hpp"
#include "collector/judge.hpp"
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
struct DryPage {
    const core::Stream* stream = nullptr;
    std::string url;  ///< as asked, secrets removed
    int status = 0;
    std::size_t body_bytes = 0;
    std::string body_hash;  ///< as the ledger keeps it
    std::optional<collector::Ending> ending;  ///< set: the API gives no page, and has no rows
    collector::Following following;
    core::PageRows rows;
    LimitHeaders limits;                                      ///< headers that tell about quota
    std::vector<std::string> notes;                           ///< what was assumed on the way here
};

/// Asks for single pages as collectors do, with the source's first key, and reads them as workers do; without Redis and
/// Postgres, and stores nothing (but a renewed token, where `tokens` has a store).
class DryPages {
  public:
    struct Context {
        collector::Http& http;
        core::Random& random;
        const core::Settings& settings;
        const std::map<std::string, std::string>& environment;
        std::shared_ptr<collector::Tokens> tokens;  ///< null: the source's keys are fixed
        bool with_credentials = true;               ///< false: no key is looked for
        /// Told of each exchange with the API but those for tokens; the request is without credentials. May be empty.
        std::function<void(const core::Stream&, const collector::PageRequest&, const collector::HttpResult&)> exchanged;
    };
    DryPages(std::shared_ptr<const core::SourceFile> source, Context context);

    /// The page that `cursor` asks for (nullopt: the first). Throws core::RefusedError when the API refuses the credentials,
    /// core::TransientError when it cannot be reached or says to come later, core::PermanentError when what it answers is no
    /// page that can be read. `stream` is one of the source's and lives as long.
    core::Task<DryPage> page(const core::Stream* stream, core::SliceDescriptor slice, std::optional<std::string> cursor);

  private:
    struct Answer {
        std::string asked;  ///< the URL that it came from
        std::string url;    ///< the same for people, secrets removed
        collector::HttpResponse response;
        std::optional<collector::Ending> ending;
    };
    core::Task<Answer> ask(const core::Stream* stream, core::SliceDescriptor slice, std::optional<std::string> cursor);
    core::Task<std::string> key();
    [[nodiscard]] DryPage read(const core::Stream& stream, core::SliceDescriptor slice, std::optional<std::string> cursor,
                               Answer answer) const;
    [[nodiscard]] collector::HttpRequest to_http(const collector::PageRequest& request, const std::string& key) const;

    std::shared_ptr<const core::SourceFile> source_;
    Context context_;
};

/// Throws core::PermanentError for a page that has an ending in its place.
void must_be_page(const DryPage& page);

/// JSON text of a value; digits of numbers stay as they came.
[[nodiscard]] std::string json_text(const core::Value& value);
/// The rows of `rows` that have a value in each of `columns`, as JSON object texts, `most` at most. Pure.
[[nodiscard]] std::vector<std::string> rows_with(const core::EmitRows& rows, const std::vector<std::string>& columns,
                                                 std::size_t most);
/// The column types that the rows of this page ask for, in the order of the columns; nullopt: nothing but null. Pure.
[[nodiscard]] std::vector<std::optional<core::ColumnType>> told_types(const core::EmitRows& rows);
/// The same, text where there is nothing but null.
[[nodiscard]] std::vector<core::ColumnType> column_types(const core::EmitRows& rows);

}  // namespace pawl::app

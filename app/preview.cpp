#include "app/preview.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/failure.hpp"
#include "collector/credentials.hpp"
#include "collector/judge.hpp"
#include "collector/page_body.hpp"
#include "collector/page_job.hpp"
#include "collector/request.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "worker/page_mapper.hpp"

namespace pawl::app {

namespace {

constexpr int redirects_max = 5;
constexpr std::chrono::seconds token_patience{30};  // a person waits
constexpr std::size_t parents_max =
    16;  // streams above streams; a source file cannot nest deeper in earnest

std::string json_text(const core::Value& value) {
    switch (value.kind) {
        case core::Value::Kind::null:
            return "null";
        case core::Value::Kind::text:
            return nlohmann::json(std::string(value.text))
                .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        default:
            return std::string(value.text);
    }
}

/// Headers of quota, as the source's feedback names them.
std::vector<std::pair<std::string, std::string>> limits_seen(
    const core::Feedback& feedback, const collector::HttpResponse& response) {
    std::vector<std::pair<std::string, std::string>> seen;
    for (const auto& name : {feedback.limit, feedback.remaining, feedback.reset, feedback.resource,
                             feedback.retry_after})
        if (const auto value = name.empty() ? std::nullopt : response.header(name))
            seen.emplace_back(name, *value);
    return seen;
}

bool is_refused(const collector::HttpResult& result) {
    const auto* response = std::get_if<collector::HttpResponse>(&result);
    return response != nullptr && response->status == 401;
}

[[noreturn]] void refuse(const collector::Judgement& judgement, const collector::HttpResult& result,
                         const std::string& url) {
    using Kind = collector::Judgement::Kind;
    const auto* response = std::get_if<collector::HttpResponse>(&result);
    const std::string answer = response ? "status " + std::to_string(response->status)
                                        : std::get<collector::HttpFailure>(result).reason;
    const std::string text =
        url + ": " + answer +
        (judgement.ending.reason.empty() ? "" : " (" + judgement.ending.reason + ")");
    if (judgement.kind == Kind::quarantine_key || (response && response->status == 401))
        throw core::RefusedError("the API refuses the credentials: " + text);
    if (judgement.kind == Kind::again || judgement.kind == Kind::rate_limited)
        throw core::TransientError("the API gives no page now: " + text);
    throw core::PermanentError("the API gives no page: " + text + ", outcome " +
                               std::string(core::to_string(judgement.ending.outcome)));
}

}  // namespace

Preview::Preview(std::shared_ptr<const core::SourceFile> source, Context context)
    : source_(std::move(source)), context_(std::move(context)) {}

core::Task<PreviewPage> Preview::page(const core::Stream& stream) {
    std::string parent = "{}";
    std::vector<std::string> notes;
    const auto way = way_down_to(stream);
    for (std::size_t i = 0; i + 1 < way.size(); ++i) {
        const auto seen = co_await fetch(way[i].stream, slice_of(*way[i].stream, parent));
        parent = row_for(*way[i + 1].stream, seen, way[i].table);
        notes.push_back("parent row from " + way[i].stream->name + ": " + parent);
    }
    auto page = co_await fetch(&stream, slice_of(stream, parent));
    page.notes = std::move(notes);
    co_return page;
}

std::string Preview::row_for(const core::Stream& child, const PreviewPage& seen,
                             const std::string& table) const {
    for (const auto& rows : seen.rows.emits) {
        if (seen.stream->emits[rows.emit].table != table) continue;
        auto row = first_row_with(rows, child.parent_columns);
        if (!row.empty()) return row;
    }
    throw UsageError("the first page of stream '" + seen.stream->name +
                     "' has no row for stream '" + child.name + "': give its values, --set " +
                     child.parent_columns.front() + "=VALUE");
}

core::Task<PreviewPage> Preview::fetch(const core::Stream* stream, core::SliceDescriptor slice) {
    auto answer = co_await ask(stream, slice, std::nullopt);
    co_return read(*stream, std::move(slice), std::move(answer));
}

core::Task<PreviewPage> Preview::again(const core::Stream& stream, core::SliceDescriptor slice,
                                       std::optional<std::string> cursor) {
    auto answer = co_await ask(&stream, slice, std::move(cursor));
    co_return read(stream, std::move(slice), std::move(answer));
}

PreviewPage Preview::read(const core::Stream& stream, core::SliceDescriptor slice,
                          Answer answer) const {
    PreviewPage page;
    page.stream = &stream;
    page.url = std::move(answer.url);
    auto& response = answer.response;
    std::string raw = std::exchange(response.body, {});
    page.status = response.status;
    page.body_bytes = raw.size();
    page.limits = limits_seen(source_->feedback, response);

    collector::FetchedPage fetched;
    const auto body_max = context_.settings.http.body_max;
    fetched.body = collector::read_body(std::move(raw), stream, collector::origin_of(response, body_max));
    if (fetched.body.fault != collector::PageBody::Fault::none)
        throw core::PermanentError(page.url + ": " + fetched.body.failure);
    page.body_hash = fetched.body.hash;
    collector::PageRead seen;
    seen.url = page.url;
    seen.headers = &response.headers;
    seen.document = fetched.body.document ? &*fetched.body.document : nullptr;
    seen.secret_query = collector::secret_query_of(*source_);
    page.following = collector::what_follows(stream, seen);
    fetched.following = page.following;
    fetched.request.url = page.url;
    fetched.response = std::move(response);
    queue::Lease lease;
    lease.slice = std::move(slice);
    std::string body = core::decompress(fetched.body.compressed, body_max);
    const core::Job job = collector::make_job(*source_, stream, lease, std::move(fetched),
                                              core::Link::random(context_.random), 0);
    page.rows = worker::map_page(stream, job, std::move(body));
    return page;
}

core::SliceDescriptor Preview::slice_of(const core::Stream& stream,
                                        const std::string& parent) const {
    core::SliceDescriptor slice;
    slice.stream = stream.name;
    slice.request_hash = stream.request_hash;
    if (stream.foreach_.kind == core::Foreach::Kind::list) {
        if (stream.foreach_.entries() == 0)
            throw core::ConfigError("stream '" + stream.name + "': its list is empty");
        slice.list = add_given(stream.foreach_.entry(0));
    } else if (stream.foreach_.kind != core::Foreach::Kind::once) {
        slice.parent = add_given(parent);
        if (stream.foreach_.entries() > 0) slice.list = stream.foreach_.entry(0);
    }
    return slice;
}

/// The streams that must be asked for one row each, from the first that needs no row down to
/// `stream` itself.
std::vector<Preview::Step> Preview::way_down_to(const core::Stream& stream) const {
    std::vector<Step> way{{&stream, ""}};
    while (!is_given(*way.front().stream)) {
        const auto& lowest = *way.front().stream;
        const auto next = above(lowest);
        if (!next || way.size() > parents_max)
            throw UsageError("stream '" + lowest.name + "' is asked for rows of table '" +
                             lowest.foreach_.table +
                             "', which no other stream writes: give their values, --set " +
                             lowest.parent_columns.front() + "=VALUE");
        way.insert(way.begin(), *next);
    }
    return way;
}

/// The stream whose rows `stream` is asked for: the parent, or for a table the first other stream
/// that writes it.
std::optional<Preview::Step> Preview::above(const core::Stream& stream) const {
    const auto& foreach_ = stream.foreach_;
    if (foreach_.kind == core::Foreach::Kind::stream) {
        const auto* parent = source_->find(foreach_.stream);
        if (parent == nullptr) return std::nullopt;
        return Step{parent, foreach_.table.empty() ? parent->emits.front().table : foreach_.table};
    }
    for (const auto& other : source_->streams)
        for (const auto& emit : other.emits)
            if (other.name != stream.name && emit.table == foreach_.table)
                return Step{&other, emit.table};
    return std::nullopt;
}

/// True when no parent row is needed: there is none, or the command line has all of its values.
bool Preview::is_given(const core::Stream& stream) const {
    const auto kind = stream.foreach_.kind;
    return kind == core::Foreach::Kind::once || kind == core::Foreach::Kind::list ||
           std::all_of(stream.parent_columns.begin(), stream.parent_columns.end(),
                       [&](const std::string& name) { return context_.given.contains(name); });
}

/// `json` with the values given on the command line in it; what looks like a number is one.
std::string Preview::add_given(const std::string& json) const {
    auto object = nlohmann::ordered_json::parse(json);
    for (const auto& [name, value] : context_.given) {
        auto parsed = nlohmann::ordered_json::parse(value, nullptr, false);
        object[name] = parsed.is_number() ? parsed : nlohmann::ordered_json(value);
    }
    return object.dump();
}

collector::HttpRequest Preview::to_http(const collector::PageRequest& request,
                                        const std::string& key) const {
    collector::HttpRequest http;
    http.method = request.method;
    http.url = request.url;
    http.body = request.body;
    http.headers = request.headers;
    http.body_max = context_.settings.http.body_max;
    http.connect_timeout = context_.settings.http.connect_timeout;
    http.timeout = context_.settings.http.request_timeout;
    if (request.with_credentials && !key.empty())
        collector::inject_credentials(*source_, key, http);
    return http;
}

core::Task<Preview::Answer> Preview::ask(const core::Stream* stream, core::SliceDescriptor slice,
                                         std::optional<std::string> cursor) {
    auto request = collector::page_request(*source_, *stream, slice, cursor);
    std::string key = co_await this->key();
    for (int redirects = 0; redirects <= redirects_max; ++redirects) {
        auto http = to_http(request, key);
        auto result = co_await context_.http.fetch(std::move(http));
        Answer answer;
        answer.url = core::redact(request.url);
        collector::Exchange exchange;
        exchange.with_credentials = request.with_credentials && !key.empty();
        const auto judgement = collector::judge(*source_, result, exchange, context_.random);
        if (judgement.kind == collector::Judgement::Kind::redirect) {
            request =
                collector::redirected(request, std::get<collector::HttpResponse>(result).status,
                                      std::get<collector::HttpResponse>(result).location);
            continue;
        }
        if (is_refused(result) && context_.tokens && context_.tokens->replace_refused(key)) {
            key = co_await this->key();
            continue;
        }
        if (judgement.kind != collector::Judgement::Kind::page)
            refuse(judgement, result, answer.url);
        answer.response = std::get<collector::HttpResponse>(std::move(result));
        co_return answer;
    }
    throw core::PermanentError(core::redact(request.url) + ": more than " +
                               std::to_string(redirects_max) + " redirects");
}

core::Task<std::string> Preview::key() {
    if (!context_.tokens) {
        const auto accounts =
            collector::load_accounts(*source_, context_.environment, context_.settings.secrets_dir);
        co_return accounts.empty() ? "" : accounts.front().keys.front().secret;
    }
    const auto answer = co_await context_.tokens->key_within(token_patience);
    if (answer.kind == collector::KeyAnswer::Kind::refused)
        throw core::RefusedError("no token: " + answer.reason);
    if (answer.kind == collector::KeyAnswer::Kind::waiting)
        throw core::TransientError("no token" +
                                   (answer.reason.empty() ? " yet" : ": " + answer.reason));
    co_await context_.tokens->until_kept();
    co_return answer.key;
}

std::string first_row_with(const core::EmitRows& rows, const std::vector<std::string>& columns) {
    for (std::size_t row = 0; row < rows.row_count(); ++row) {
        std::string object;
        std::size_t found = 0;
        for (std::size_t c = 0; c < rows.columns.size(); ++c) {
            const auto& value = rows.cells[row * rows.columns.size() + c];
            const bool wanted =
                std::find(columns.begin(), columns.end(), rows.columns[c]) != columns.end();
            if (!wanted || value.is_null()) continue;
            ++found;
            object += (object.empty() ? "" : ",") + nlohmann::json(rows.columns[c]).dump() + ":" +
                      json_text(value);
        }
        if (found == columns.size()) return "{" + object + "}";
    }
    return {};
}

std::vector<core::ColumnType> column_types(const core::EmitRows& rows) {
    std::vector<core::ColumnType> types;
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
        std::optional<core::ColumnType> type;
        for (std::size_t row = 0; row < rows.row_count(); ++row) {
            const auto& value = rows.cells[row * rows.columns.size() + c];
            if (value.is_null() && !value.as) continue;
            const auto one = value.as ? *value.as : core::infer_type(value);
            type = type ? core::widen(*type, one) : one;
        }
        types.push_back(type.value_or(core::ColumnType::text));
    }
    return types;
}

}  // namespace pawl::app

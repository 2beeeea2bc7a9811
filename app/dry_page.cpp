#include "app/dry_page.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "collector/credentials.hpp"
#include "collector/page_body.hpp"
#include "collector/page_job.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "worker/page_mapper.hpp"

namespace pawl::app {

namespace {

constexpr int redirects_max = 5;
constexpr std::chrono::seconds token_patience{30};  // a person waits

constexpr int sightings_enough = 10;  // what the API says is gone is told at once, not asked for again to be sure

bool is_refused(const collector::HttpResult& result) {
    const auto* response = std::get_if<collector::HttpResponse>(&result);
    return response != nullptr && response->status == 401;
}

/// What is neither a page nor the end of a walk.
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

DryPages::DryPages(std::shared_ptr<const core::SourceFile> source, Context context)
    : source_(std::move(source)), context_(std::move(context)) {}

core::Task<DryPage> DryPages::page(const core::Stream* stream, core::SliceDescriptor slice,
                                   std::optional<std::string> cursor) {
    auto answer = co_await ask(stream, slice, cursor);
    co_return read(*stream, std::move(slice), std::move(cursor), std::move(answer));
}

DryPage DryPages::read(const core::Stream& stream, core::SliceDescriptor slice, std::optional<std::string> cursor,
                       Answer answer) const {
    DryPage page;
    page.stream = &stream;
    page.url = std::move(answer.url);
    auto& response = answer.response;
    std::string raw = std::exchange(response.body, {});
    page.status = response.status;
    page.body_bytes = raw.size();
    page.limits = limit_headers(source_->feedback, response.headers);
    page.ending = std::move(answer.ending);
    if (page.ending) return page;

    collector::FetchedPage fetched;
    const auto body_max = context_.settings.http.body_max;
    fetched.body = collector::read_body(std::move(raw), stream, collector::origin_of(response, body_max));
    if (fetched.body.fault != collector::PageBody::Fault::none)
        throw core::PermanentError(page.url + ": " + fetched.body.failure);
    page.body_hash = fetched.body.hash;
    collector::PageRead seen;
    seen.url = std::move(answer.asked);
    seen.cursor = cursor;
    seen.window = slice.window;
    seen.headers = &response.headers;
    seen.document = fetched.body.document ? &*fetched.body.document : nullptr;
    seen.secret_query = collector::secret_query_of(*source_);
    page.following = collector::what_follows(stream, seen);
    fetched.following = page.following;
    fetched.request.url = page.url;
    fetched.response = std::move(response);
    queue::Lease lease;
    lease.cursor = std::move(cursor);
    lease.slice = std::move(slice);
    std::string body = core::decompress(fetched.body.compressed, body_max);
    const core::Job job = collector::make_job(*source_, stream, lease, std::move(fetched),
                                              core::Link::random(context_.random), 0);
    page.rows = worker::map_page(stream, job, std::move(body));
    return page;
}

collector::HttpRequest DryPages::to_http(const collector::PageRequest& request,
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

core::Task<DryPages::Answer> DryPages::ask(const core::Stream* stream, core::SliceDescriptor slice,
                                          std::optional<std::string> cursor) {
    auto request = collector::page_request(*source_, *stream, slice, cursor);
    std::string key = co_await this->key();
    for (int redirects = 0; redirects <= redirects_max; ++redirects) {
        auto http = to_http(request, key);
        auto result = co_await context_.http.fetch(std::move(http));
        if (context_.exchanged) context_.exchanged(*stream, request, result);
        Answer answer;
        answer.asked = request.url;
        answer.url = core::redact(request.url);
        collector::Exchange exchange;
        exchange.with_credentials = request.with_credentials && !key.empty();
        exchange.continues = cursor.has_value();
        exchange.sightings = sightings_enough;
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
        const bool is_answered = std::holds_alternative<collector::HttpResponse>(result);
        if (judgement.kind == collector::Judgement::Kind::ending && is_answered && !is_refused(result))
            answer.ending = judgement.ending;
        else if (judgement.kind != collector::Judgement::Kind::page)
            refuse(judgement, result, answer.url);
        answer.response = std::get<collector::HttpResponse>(std::move(result));
        co_return answer;
    }
    throw core::PermanentError(core::redact(request.url) + ": more than " +
                               std::to_string(redirects_max) + " redirects");
}

core::Task<std::string> DryPages::key() {
    if (!context_.with_credentials) co_return "";
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

void must_be_page(const DryPage& page) {
    if (!page.ending) return;
    throw core::PermanentError("the API gives no page: " + page.url + ": status " + std::to_string(page.status) +
                               (page.ending->reason.empty() ? "" : " (" + page.ending->reason + ")") + ", outcome " +
                               std::string(core::to_string(page.ending->outcome)));
}

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

std::vector<std::string> rows_with(const core::EmitRows& rows, const std::vector<std::string>& columns,
                                   std::size_t most) {
    std::vector<std::string> objects;
    for (std::size_t row = 0; row < rows.row_count() && objects.size() < most; ++row) {
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
        if (found == columns.size()) objects.push_back("{" + object + "}");
    }
    return objects;
}

std::vector<std::optional<core::ColumnType>> told_types(const core::EmitRows& rows) {
    std::vector<std::optional<core::ColumnType>> types(rows.columns.size());
    for (std::size_t i = 0; i < rows.cells.size(); ++i) {
        const auto& value = rows.cells[i];
        if (value.is_null() && !value.as) continue;
        auto& type = types[i % rows.columns.size()];
        const auto one = value.as ? *value.as : core::infer_type(value);
        type = type ? core::widen(*type, one) : one;
    }
    return types;
}

std::vector<core::ColumnType> column_types(const core::EmitRows& rows) {
    std::vector<core::ColumnType> types;
    for (const auto& type : told_types(rows)) types.push_back(type.value_or(core::ColumnType::text));
    return types;
}

}  // namespace pawl::app

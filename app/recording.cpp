#include "app/recording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/exact_json.hpp"
#include "collector/credentials.hpp"
#include "collector/url.hpp"
#include "core/base64.hpp"
#include "core/errors.hpp"
#include "core/instant.hpp"
#include "core/redact.hpp"
#include "core/unicode.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view head_name = "recording.json";
constexpr std::size_t partitions_max = 1'000, pages_max = 1'000;  // of a recording that a person reviews

/// Members of JSON that hold secrets, in lower case. `key` and `token` are not among them: APIs call ordinary things so.
constexpr std::array<std::string_view, 13> secret_members{
    "access_token", "refresh_token", "id_token", "auth_token", "bearer_token", "client_secret", "secret", "password",
    "passwd", "api_key", "apikey", "private_key", "authorization"};

/// Headers of responses by which pages are read, whatever the source.
constexpr std::array<std::string_view, 6> kept_headers{"content-type", "link", "location", "retry-after", "etag", "last-modified"};

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

bool is_kept(const core::SourceFile& source, const core::Stream& stream, const std::string& name) {
    const auto& feedback = source.feedback;
    const std::array told{feedback.limit, feedback.remaining, feedback.reset, feedback.resource, feedback.retry_after};
    return std::find(kept_headers.begin(), kept_headers.end(), name) != kept_headers.end() ||
           std::find(told.begin(), told.end(), name) != told.end() ||
           std::find(stream.header_names.begin(), stream.header_names.end(), name) != stream.header_names.end() ||
           name.starts_with("x-ratelimit") || name.starts_with("ratelimit");
}

/// The URL without the parameter that carries the key, and without what is called like a secret.
std::string public_url(const core::SourceFile& source, const std::string& url) {
    const auto parameter = collector::secret_query_of(source);
    return core::redact(parameter.empty() ? url : collector::without_query(url, parameter));
}

bool is_secret(std::string_view name) {
    return std::find(secret_members.begin(), secret_members.end(), lower_case(name)) != secret_members.end();
}

void mask(Json& json) {
    if (json.is_string()) json = core::redact(json.get<std::string>());
    if (json.is_object())
        for (auto& [name, value] : json.items())
            if (value.is_string() && is_secret(name)) value = "***";
    if (json.is_structured())
        for (auto& value : json) mask(value);
}

/// A body as it may be kept.
std::string public_body(const std::string& body) {
    auto json = as_exact_json(body);
    if (!json) return mask_members(core::redact(body));
    mask(*json);
    return json->dump();
}

Json body_json(const std::string& body) {
    if (const auto value = as_exact_json(body)) return {{"json", *value}};
    if (!body.empty() && !core::is_utf8(body)) return {{"base64", core::base64(body)}};
    return {{"text", body}};
}

std::string body_of(const Json& holder) {
    if (const auto json = holder.find("json"); json != holder.end()) return json->dump();
    if (const auto bytes = holder.find("base64"); bytes != holder.end()) {
        auto body = core::from_base64(bytes->get<std::string>());
        if (!body) throw core::ConfigError("its body is not base64");
        return *body;
    }
    return holder.value("text", "");
}

Json to_json(const Exchange& exchange) {
    Json request{{"method", exchange.method}, {"url", exchange.url}};
    if (!exchange.body.empty()) request.update(body_json(exchange.body));
    Json headers = Json::object();
    for (const auto& [name, value] : exchange.response.headers)
        headers[name] = headers.contains(name) ? headers[name].get<std::string>() + ", " + value : value;
    Json response{{"status", exchange.response.status}, {"headers", std::move(headers)}};
    response.update(body_json(exchange.response.body));
    return {{"stream", exchange.stream}, {"request", std::move(request)}, {"response", std::move(response)}};
}

Exchange exchange_of(const Json& json) {
    Exchange exchange;
    const auto& request = json.at("request");
    const auto& response = json.at("response");
    exchange.stream = json.value("stream", "");
    exchange.method = request.value("method", "GET");
    exchange.url = request.at("url").get<std::string>();
    exchange.body = body_of(request);
    exchange.response.status = response.at("status").get<int>();
    const auto headers = response.value("headers", Json::object());  // items() refers to it
    for (const auto& [name, value] : headers.items())
        exchange.response.headers.emplace_back(lower_case(name), value.get<std::string>());
    exchange.response.body = body_of(response);
    exchange.response.wire_bytes = exchange.response.body.size();
    return exchange;
}

Json read_json(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw core::ConfigError(file.string() + ": there is no recording here; `pawl record` makes one");
    return Json::parse(std::string{std::istreambuf_iterator<char>(in), {}});
}

void write_json(const fs::path& file, const Json& json) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    if (!out.flush()) throw core::PermanentError(file.string() + ": cannot be written");
}

std::vector<fs::path> exchange_files(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.is_regular_file() && entry.path().extension() == ".json" && entry.path().filename() != head_name)
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

std::size_t bound_of(const Json& head, const char* name, std::size_t fallback, std::size_t most) {
    return std::clamp<std::size_t>(head.value(name, fallback), 1, most);
}

/// The recording's own words, or core::ConfigError with the file's name.
template <typename Read>
auto named(const fs::path& file, Read read) {
    try {
        return read();
    } catch (const nlohmann::json::exception& error) {
        throw core::ConfigError(file.string() + ": is no part of a recording: " + error.what());
    }
}

}  // namespace

Recording Recording::read(const std::string& folder) {
    Recording recording;
    const auto head_file = fs::path(folder) / head_name;
    named(head_file, [&] {
        const auto head = read_json(head_file);
        const auto begun = core::parse_instant(head.at("begun").get<std::string>());
        if (!begun) throw core::ConfigError(head_file.string() + ": `begun` is no time like 2026-08-22T14:19:25Z");
        recording.begun = *begun;
        recording.about = head.value("about", "");
        recording.bounds.partitions = bound_of(head, "partitions", recording.bounds.partitions, partitions_max);
        recording.bounds.pages = bound_of(head, "pages", recording.bounds.pages, pages_max);
        return 0;
    });
    for (const auto& file : exchange_files(folder)) {
        recording.exchanges.push_back(named(file, [&] { return exchange_of(read_json(file)); }));
        recording.exchanges.back().file = file.filename().string();
    }
    return recording;
}

void Recording::write(const std::string& folder, const std::string& source) const {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw core::PermanentError(folder + ": " + error.message());
    for (const auto& file : exchange_files(folder)) fs::remove(file);
    write_json(fs::path(folder) / head_name,
               {{"source", source},
                {"about", about},
                {"begun", core::format_utc(core::WallTime(core::Micros(begun)))},
                {"partitions", bounds.partitions},
                {"pages", bounds.pages}});
    for (std::size_t i = 0; i < exchanges.size(); ++i)
        write_json(fs::path(folder) / fmt::format("{:03}-{}.json", i + 1, exchanges[i].stream), to_json(exchanges[i]));
}

std::string recording_folder(const core::SourceFile& source) {
    return (fs::path(source.file).parent_path() / "fixtures" / source.name).string();
}

std::string mask_members(std::string_view text) {
    std::string masked;
    std::size_t copied = 0;
    for (std::size_t at = text.find('"'); at != std::string_view::npos; at = text.find('"', at)) {
        const auto end = end_of_json_string(text, at);
        if (end == std::string_view::npos) break;
        const auto name = text.substr(at + 1, end - at - 2);
        at = end;
        if (!is_secret(name)) continue;
        auto value = text.find_first_not_of(" \t\r\n", end);
        if (value == std::string_view::npos || text[value] != ':') continue;
        value = text.find_first_not_of(" \t\r\n", value + 1);
        if (value == std::string_view::npos || text[value] != '"') continue;
        const auto value_end = end_of_json_string(text, value);
        if (value_end == std::string_view::npos) break;
        masked += std::string(text.substr(copied, value - copied)) + "\"***\"";
        at = copied = value_end;
    }
    return masked + std::string(text.substr(copied));
}

Exchange recordable(const core::SourceFile& source, const core::Stream& stream, const collector::PageRequest& request,
                    const collector::HttpResponse& response) {
    Exchange exchange;
    exchange.stream = stream.name;
    exchange.method = request.method;
    exchange.url = public_url(source, request.url);
    exchange.body = public_body(request.body);
    exchange.response.status = response.status;
    for (const auto& [name, value] : response.headers)
        if (is_kept(source, stream, name))
            exchange.response.headers.emplace_back(name, core::redact(value));
    exchange.response.body = public_body(response.body);
    return exchange;
}

RecordedHttp::RecordedHttp(std::shared_ptr<const core::SourceFile> source, std::vector<Exchange> exchanges)
    : source_(std::move(source)), exchanges_(std::move(exchanges)) {
    for (const auto& exchange : exchanges_)
        answers_[identity(exchange.method, exchange.url, exchange.body)].exchanges.push_back(&exchange);
}

std::string RecordedHttp::identity(const std::string& method, const std::string& url, const std::string& body) const {
    const auto masked = public_body(body);
    const auto parsed = nlohmann::json::parse(masked, nullptr, false);  // its members in the order of their names
    return method + " " + public_url(*source_, collector::clean_url(url)) +
           (body.empty() ? "" : " " + (parsed.is_discarded() ? masked : parsed.dump()));
}

core::Task<collector::HttpResult> RecordedHttp::fetch(collector::HttpRequest request) {
    const auto asked = identity(request.method, request.url, request.body);
    const auto found = answers_.find(asked);
    if (found == answers_.end()) {
        missing_.insert(asked);
        co_return collector::HttpFailure{collector::HttpFailure::Kind::refused_target, "was not recorded", false};
    }
    auto& answers = found->second;
    auto response = answers.exchanges[std::min(answers.asked, answers.exchanges.size() - 1)]->response;
    ++answers.asked;
    if (const auto target = response.header("location")) response.location = collector::resolve_url(request.url, *target);
    co_return response;
}

std::vector<std::string> RecordedHttp::unused() const {
    std::vector<std::string> files;
    for (const auto& [asked, answers] : answers_)
        for (std::size_t i = answers.asked; i < answers.exchanges.size(); ++i) files.push_back(answers.exchanges[i]->file);
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace pawl::app

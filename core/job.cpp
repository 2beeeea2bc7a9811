#include "core/job.hpp"

#include <zstd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/json_document.hpp"

namespace pawl::core {

namespace {

using Json = nlohmann::json;

constexpr int zstd_level = 1;  // the fastest regular level: bodies live on the queue for seconds

constexpr std::size_t room_max = 4u << 20;  // larger bodies do not leave their buffer behind

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json parse(std::string_view text, std::string_view what) {
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) throw PermanentError(std::string(what) + " is not a JSON object");
    return json;
}

Token token(const Json& json, const char* name) {
    if (const auto parsed = Token::parse(json.at(name).get_ref<const std::string&>())) return *parsed;
    throw PermanentError(std::string("job envelope: '") + name + "' is not a uuid");
}

std::optional<std::string> optional_text(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) return std::nullopt;
    return found->get<std::string>();
}

// Absent where there is none.
void put_window(Json& json, const Window& window, std::int64_t begun) {
    if (window.lo) json["lo"] = *window.lo;
    if (window.hi) json["hi"] = *window.hi;
    if (begun != 0) json["begun"] = begun;
}

std::optional<std::int64_t> optional_number(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) return std::nullopt;
    return found->get<std::int64_t>();
}

}  // namespace

std::string_view to_string(SliceClass slice_class) {
    switch (slice_class) {
        case SliceClass::live:
            return "live";
        case SliceClass::on_demand:
            return "on_demand";
        case SliceClass::backfill:
            break;
    }
    return "backfill";
}

std::string SliceDescriptor::encode() const {
    Json json{{"slice", slice},
                 {"partition", partition},
                 {"stream", stream},
                 {"part", part},
                 {"request", request_hash},
                 {"parent", parent},
                 {"list", list},
                 {"class", static_cast<int>(slice_class)},
                 {"revisit", revisit}};
    put_window(json, window, begun);
    return dump(json);
}

SliceDescriptor SliceDescriptor::decode(std::string_view text) {
    const Json json = parse(text, "slice descriptor");
    try {
        SliceDescriptor d;
        d.slice = json.at("slice");
        d.partition = json.at("partition");
        d.stream = json.at("stream");
        d.part = json.at("part");
        d.request_hash = json.at("request");
        d.parent = json.at("parent");
        d.list = json.at("list");
        d.slice_class = SliceClass::backfill;
        for (const auto known : slice_classes)
            if (json.at("class").get<int>() == static_cast<int>(known)) d.slice_class = known;
        d.revisit = json.at("revisit");
        d.window = {optional_number(json, "lo"), optional_number(json, "hi")};
        d.begun = optional_number(json, "begun").value_or(0);
        return d;
    } catch (const Json::exception& error) {
        throw PermanentError(std::string("slice descriptor: ") + error.what());
    }
}

std::string Job::encode_envelope() const {
    Json json{{"v", version},
              {"slice", slice},
              {"partition", partition},
              {"seq", seq},
              {"link", link.str()},
              {"previous", previous.str()},
              {"source", source},
              {"stream", stream},
              {"part", part},
              {"request", request_hash},
              {"outcome", to_string(outcome)},
              {"status", status},
              {"url", url},
              {"last", last},
              {"requested_at", requested_at},
              {"fetched_at", fetched_at},
              {"parent", parent},
              {"list", list},
              {"size", body_size}};
    // What is absent costs nothing: most pages have none of these.
    if (!reason.empty()) json["reason"] = reason;
    if (cursor) json["cursor"] = *cursor;
    if (next_cursor) json["next"] = *next_cursor;
    if (!link_header.empty()) json["link_header"] = link_header;
    if (!headers.empty()) json["headers"] = headers;
    if (!validator_key.empty()) json["validator"] = validator_key;
    if (!etag.empty()) json["etag"] = etag;
    if (!last_modified.empty()) json["last_modified"] = last_modified;
    if (confirms != 0) json["confirms"] = confirms;
    if (!body_hash.empty()) json["hash"] = body_hash;
    if (shift != Shift::none) json["shift"] = to_string(shift);
    if (rewalk) json["rewalk"] = true;
    if (split) json["split"] = true;
    put_window(json, window, begun);
    return dump(json);
}

Job Job::decode(std::string_view envelope, std::string body) {
    const Json json = parse(envelope, "job envelope");
    try {
        if (const int written = json.at("v"); written > version)
            throw UnknownVersion("job version " + std::to_string(written) + ", this pawl knows up to " +
                                 std::to_string(version) + ": upgrade the workers");
        Job job;
        job.slice = json.at("slice");
        job.partition = json.at("partition");
        job.seq = json.at("seq");
        job.link = token(json, "link");
        job.previous = token(json, "previous");
        job.source = json.at("source");
        job.stream = json.at("stream");
        job.part = json.at("part");
        job.request_hash = json.at("request");
        const auto outcome = parse_outcome(json.at("outcome").get_ref<const std::string&>());
        if (!outcome) throw PermanentError("job envelope: unknown outcome");
        job.outcome = *outcome;
        job.status = json.at("status");
        job.url = json.at("url");
        job.last = json.at("last");
        job.requested_at = json.at("requested_at");
        job.fetched_at = json.at("fetched_at");
        job.parent = json.at("parent");
        job.list = json.at("list");
        job.body_size = json.at("size");
        job.reason = json.value("reason", "");
        job.cursor = optional_text(json, "cursor");
        job.next_cursor = optional_text(json, "next");
        job.link_header = json.value("link_header", "");
        if (const auto found = json.find("headers"); found != json.end()) found->get_to(job.headers);
        job.validator_key = json.value("validator", "");
        job.etag = json.value("etag", "");
        job.last_modified = json.value("last_modified", "");
        job.confirms = json.value("confirms", std::int64_t{0});
        job.body_hash = json.value("hash", "");
        job.shift = parse_shift(json.value("shift", "")).value_or(Shift::none);
        job.rewalk = json.value("rewalk", false);
        job.split = json.value("split", false);
        job.window = {optional_number(json, "lo"), optional_number(json, "hi")};
        job.begun = optional_number(json, "begun").value_or(0);
        job.body = std::move(body);
        return job;
    } catch (const Json::exception& error) {
        throw PermanentError(std::string("job envelope: ") + error.what());
    }
}

std::string compress(std::string_view body) {
    // One context per thread: setting it up costs more than a small page.
    thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                   &ZSTD_freeCCtx);
    thread_local std::vector<char> room;  // jobs wait in queues: they keep no more than they need
    const std::size_t bound = ZSTD_compressBound(body.size());
    if (room.size() < bound) room.resize(bound);
    const std::size_t size =
        ZSTD_compressCCtx(context.get(), room.data(), room.size(), body.data(), body.size(), zstd_level);
    if (ZSTD_isError(size)) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
    std::string out(room.data(), size);
    if (room.size() > room_max) std::vector<char>().swap(room);
    return out;
}

std::string decompress(std::string_view zstd, std::size_t bytes_max) {
    const auto size = ZSTD_getFrameContentSize(zstd.data(), zstd.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        throw PermanentError("body is not a zstd frame that tells its size");
    if (size > bytes_max)
        throw PermanentError("body of " + std::to_string(size) + " bytes is over the bound of " +
                             std::to_string(bytes_max));
    thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                                   &ZSTD_freeDCtx);
    std::string out;
    out.reserve(size + JsonDocument::padding);
    out.resize(size);
    const std::size_t got = ZSTD_decompressDCtx(context.get(), out.data(), out.size(), zstd.data(), zstd.size());
    if (ZSTD_isError(got)) throw PermanentError(std::string("zstd: ") + ZSTD_getErrorName(got));
    if (got != size) throw PermanentError("zstd: body is shorter than its frame says");
    return out;
}

}  // namespace pawl::core

#include "collector/page_body.hpp"

#include "collector/unpack.hpp"
#include "core/characters.hpp"
#include "core/charset.hpp"
#include "core/decoded.hpp"
#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/job.hpp"
#include "core/json_projection.hpp"

namespace pawl::collector {

namespace {

using core::Stream;
using Fault = PageBody::Fault;

/// What servers and proxies send in the place of data, with status 200.
bool looks_like_html(std::string_view body, Stream::Decode decode) {
    if (decode == Stream::Decode::xml || decode == Stream::Decode::text) return false;  // they may mean it
    const auto begin = body.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos || body[begin] != '<') return false;
    if (decode != Stream::Decode::csv) return true;
    const auto head = core::lower(body.substr(begin, 14));
    return head.starts_with("<!doctype html") || head.starts_with("<html");
}

/// Text is decoded only where what it holds decides what is asked next.
bool is_looked_at(const Stream& stream) {
    return stream.decode != Stream::Decode::text || !stream.paging_wanted || !stream.paging_wanted->is_leaf();
}

bool may_be_empty(const Stream& stream, const BodyOrigin& origin) {
    return origin.told_empty && stream.decode != Stream::Decode::json && stream.decode != Stream::Decode::xml;
}

void fail(PageBody& page, Fault fault, std::string why) {
    page.fault = fault;
    page.failure = std::move(why);
    page.compressed.clear();
}

Fault fault_of(Unpacked::State state) {
    if (state == Unpacked::State::too_large) return Fault::too_large;
    return state == Unpacked::State::unsuitable ? Fault::unsuitable : Fault::unreadable;
}

void index(std::string body, const Stream& stream, PageBody& page) {
    const std::string name(core::format_name(stream.decode));
    const bool html = looks_like_html(body, stream.decode);
    if (html && stream.decode == Stream::Decode::csv) return fail(page, Fault::unreadable, "the body is HTML, not " + name);
    try {
        page.document = core::JsonDocument::parse(core::decoded(stream, std::move(body)), core::decoded_bounds(stream),
                                                  stream.paging_wanted.get());
    } catch (const core::PermanentError& error) {
        fail(page, Fault::unreadable,
             html ? "the body is HTML, not " + name : "the body is not " + name + ": " + error.what());
    }
}

}  // namespace

BodyOrigin origin_of(const HttpResponse& response, std::size_t body_max) {
    return {.told_empty = response.header("content-length") == "0",
            .content_type = response.header("content-type").value_or(std::string_view{}),
            .body_max = body_max};
}

PageBody read_body(std::string body, const Stream& stream, const BodyOrigin& origin) {
    PageBody page;
    if (is_packed(body)) {
        auto unpacked = unpack(body, origin.body_max);
        if (unpacked.state != Unpacked::State::ok) {
            fail(page, fault_of(unpacked.state), std::move(unpacked.reason));
            return page;
        }
        body = std::move(unpacked.body);
    } else if (body.empty() && !may_be_empty(stream, origin)) {
        fail(page, Fault::unreadable, "the body is empty");
        return page;
    }
    try {
        body = core::as_utf8(std::move(body), stream.decode, origin.content_type);
    } catch (const core::PermanentError& error) {
        fail(page, Fault::unsuitable, std::string("the body cannot be read: ") + error.what());
        return page;
    }
    if (body.size() > origin.body_max) {
        fail(page, Fault::too_large, "the body is larger than " + std::to_string(origin.body_max) + " bytes as UTF-8");
        return page;
    }
    page.size = body.size();
    page.hash = core::sha256_hex(body);
    page.compressed = core::compress(body);
    if (is_looked_at(stream)) index(std::move(body), stream, page);
    return page;
}

}  // namespace pawl::collector

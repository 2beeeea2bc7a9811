#include "collector/page_body.hpp"

#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/job.hpp"

namespace pawl::collector {

namespace {

bool looks_like_html(std::string_view body) {
    const auto begin = body.find_first_not_of(" \t\r\n");
    return begin != std::string_view::npos && body[begin] == '<';
}

}  // namespace

PageBody read_body(std::string body, const core::Stream& stream, bool told_empty) {
    const bool is_json = stream.decode == core::Stream::Decode::json;
    PageBody page;
    page.size = body.size();
    if (body.empty() && (is_json || !told_empty)) {
        page.failure = "the body is empty";
        return page;
    }
    page.hash = core::sha256_hex(body);
    page.compressed = core::compress(body);
    if (!is_json) return page;
    const bool html = looks_like_html(body);
    try {
        page.document = core::JsonDocument::parse(std::move(body), {}, stream.paging_wanted.get());
    } catch (const core::PermanentError& error) {
        page.failure = html ? "the body is HTML, not JSON"
                            : std::string("the body is not JSON: ") + error.what();
        page.compressed.clear();
    }
    return page;
}

}  // namespace pawl::collector

#pragma once

#include <optional>
#include <string>

#include "collector/http.hpp"
#include "core/job.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// What is asked for one page, before credentials: those depend on who pays.
struct PageRequest {
    std::string method = "GET";
    std::string url;   ///< absolute, clean, without secrets
    std::string body;  ///< its Content-Type is one of the headers
    Headers headers;   ///< of the stream
    bool with_credentials =
        false;  ///< the source's credentials may go along: the stream wants them, and the URL is at
                ///< the source's own origin (that of base_url)
    bool own_origin =
        false;  ///< the URL is at the source's own origin, so its limits per owner apply
    std::string validator_key;  ///< sha256 over URL, Accept and body

    /// What is asked for, in one text: two requests with the same are the same.
    [[nodiscard]] std::string identity() const { return body.empty() ? url : url + "\n" + body; }
};

/// The request that `cursor` asks for; nullopt: the slice's first. What a cursor is depends on the
/// paginator: an absolute URL (link, next_url), a number (page, offset) or the API's token
/// (cursor). Throws core::PermanentError when a placeholder has no value, a URL is none, or a next
/// link leads to another origin than the slice's first request: it is never sent there.
[[nodiscard]] PageRequest page_request(const core::SourceFile& source, const core::Stream& stream,
                                       const core::SliceDescriptor& slice,
                                       const std::optional<std::string>& cursor);

/// `request` sent to where a redirect of `status` points. Throws core::PermanentError when that is another origin, or
/// when the redirect asks for the request without its body (301, 302, 303).
[[nodiscard]] PageRequest redirected(const PageRequest& request, int status, const std::string& location);

}  // namespace pawl::collector

#pragma once

#include <string>

#include "collector/accounts.hpp"
#include "collector/http.hpp"
#include "collector/page_body.hpp"
#include "collector/paging.hpp"
#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// What the walk knows of earlier exchanges for the same page.
struct Exchange {
    int attempts = 0;   ///< failed fetches of this page before this one; survives the collector
    int sightings = 0;  ///< "gone" answers in a row before this one
    int refusals = 0;   ///< rate limit refusals in a row before this one
    bool validator_sent = false;  ///< If-None-Match or If-Modified-Since went along
    bool with_credentials = false;
    bool continues = false;       ///< a page after the first of its walk
    Paying suspect;               ///< whose key was refused for this page, not confirmed yet
};

/// What to do about one response.
struct Judgement {
    enum class [[nodiscard]] Kind : std::uint8_t{
        page,            ///< status and headers are those of a page; its body must still parse
        not_modified,    ///< the page is as the validator's
        redirect,        ///< ask `HttpResponse::location`
        again,           ///< a failed fetch: ask again after `wait`
        rate_limited,    ///< the API refused: nobody asks for this owner for `wait`. Uses up no
                         ///< attempts
        quarantine_key,  ///< the key is refused: once confirmed, ask again with another
        ending,          ///< the walk ends with `ending`
    };
    Kind kind = Kind::page;
    core::Micros wait{0};
    Ending ending;      ///< outcome for Kind::ending; its reason says why in every case but a page
    int confirm = 1;    ///< quarantine_key: refusals before it is believed
    std::string label;  ///< for the metric of retries: "status_503", "timeout", "body": few values
};

/// Judges by the error rules of the source, first match first; then by what HTTP says. Failures of
/// the network, of timeouts and of bodies count like status 500. Waits: Retry-After (seconds, or a
/// date relative to the response's own Date) where there is one, at most an hour; else exponential
/// with jitter between the rule's bounds.
[[nodiscard]] Judgement judge(const core::SourceFile& source, const HttpResult& result,
                              const Exchange& exchange, core::Random& random);

/// Judges a page whose body is none. One that did not parse, or came empty, is asked for again, like status 500; one that is
/// too large when unpacked, or that would come the same again, ends the walk.
[[nodiscard]] Judgement judge_body(const core::SourceFile& source, const HttpResponse& response, const PageBody& body,
                                   const Exchange& exchange, core::Random& random);

}  // namespace pawl::collector

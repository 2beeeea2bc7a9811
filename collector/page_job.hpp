#pragma once

#include <optional>
#include <string>

#include "collector/http.hpp"
#include "collector/page_body.hpp"
#include "collector/paging.hpp"
#include "collector/request.hpp"
#include "core/job.hpp"
#include "core/source_file.hpp"
#include "queue/frontiers.hpp"
#include "storage/catalogue.hpp"

namespace pawl::collector {

/// What asking for one page came to: a page, a confirmed page (304), or an ending.
struct FetchedPage {
    std::optional<Ending> ending;                 ///< set: the walk ends, there is no body
    std::optional<storage::Validator> confirmed;  ///< set: 304, the page is as it was
    PageRequest request;                          ///< as it was sent last, after redirects
    std::string validator_key;                    ///< of the request before redirects
    HttpResponse response;                        ///< without its body
    PageBody body;
    Following following;
    std::string reservation;        ///< whose room the page uses up; "" : none
    std::int64_t requested_at = 0;  ///< Redis TIME of the reservation, microseconds
};

/// The job that carries `page` to the workers: the page after `lease.seq`, chained onto
/// `lease.link`. `link` is its own random identity; `fetched_at` microseconds of wall-clock time.
[[nodiscard]] core::Job make_job(const core::SourceFile& source, const core::Stream& stream,
                                 const queue::Lease& lease, FetchedPage page, core::Link link,
                                 std::int64_t fetched_at);

/// True when a walk of this stream may ask "only if it changed": every row of a page that did not
/// change must be accounted for without reading it, which tables replaced at the walk's end do not
/// allow beyond a single page.
[[nodiscard]] bool may_be_conditional(const core::Stream& stream);

}  // namespace pawl::collector

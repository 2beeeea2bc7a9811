#include "storage/tip_verdict.hpp"

#include <fmt/format.h>

namespace pawl::storage {

namespace {

PageResult told(Verdict verdict, std::string reason) {
    PageResult result;
    result.verdict = verdict;
    result.reason = std::move(reason);
    return result;
}

}  // namespace

std::optional<PageResult> judge(const core::Job& job, const std::optional<SliceState>& slice,
                                const std::optional<core::Link>& ledger) {
    if (!slice) return told(Verdict::unknown, "the catalogue has no such slice");
    if (slice->state == "cancelled") return told(Verdict::cancelled, "the slice was cancelled");
    const bool is_behind = job.seq <= slice->seq;
    if (is_behind && ledger == job.link) return told(Verdict::duplicate, "this page is in the ledger");
    if (slice->state == "done") return told(Verdict::finished, "the slice is finished");
    if (slice->state == "stuck") return told(Verdict::stuck, "the slice is stuck");
    if (is_behind) return told(Verdict::superseded, "another page took this place");
    if (job.seq > slice->seq + 1)
        return told(Verdict::gap, fmt::format("the tip is at page {}", slice->seq));
    if (job.previous != slice->link)
        return told(Verdict::fork, "the page continues another page than the tip");
    return std::nullopt;
}

std::vector<BatchPage> take_chains(std::vector<BatchPage>& remaining) {
    std::vector<BatchPage> taken, left;
    const core::Job* tail = nullptr;  // last page taken of the slice at hand
    core::SliceId closed = -1;        // slice whose chain has ended
    for (const BatchPage& entry : remaining) {
        const core::Job& job = entry.page->job;
        const bool is_first = tail == nullptr || tail->slice != job.slice;
        const bool continues = !is_first && job.slice != closed && !tail->last &&
                               job.seq == tail->seq + 1 && job.previous == tail->link;
        if (is_first || continues) {
            taken.push_back(entry);
            tail = &job;
        } else {
            closed = job.slice;
            left.push_back(entry);
        }
    }
    remaining = std::move(left);
    return taken;
}

}  // namespace pawl::storage

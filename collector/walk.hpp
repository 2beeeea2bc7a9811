#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/judge.hpp"
#include "collector/limits.hpp"
#include "collector/page_job.hpp"
#include "collector/recent_pages.hpp"
#include "collector/walk_context.hpp"

namespace pawl::collector {

/// Why a walk is over, for this collector.
enum class [[nodiscard]] WalkEnd : std::uint8_t{
    finished,  ///< its last page is on the queue
    stopped,  ///< the collector stops, or the credentials are refused: the slice can be handed back
    lost,     ///< another collector has the slice, or Redis was wiped or set back
};

/// Walks one slice page by page. Every page is on the queue, and the frontier moved, before the
/// next is asked for.
class Walk {
  public:
    /// `stream` is one of `source`, and its request_hash is that of the slice.
    Walk(WalkContext& context, std::shared_ptr<const core::SourceFile> source,
         const core::Stream& stream, queue::Lease lease);

    /// Throws core::TransientError by an armed failpoint only: what a dependency does is waited
    /// out.
    core::Task<WalkEnd> run();

    /// The page that is on the queue last: where the slice is handed back.
    [[nodiscard]] const queue::Lease& lease() const { return lease_; }

  private:
    struct Grant {
        queue::Granted granted;
        queue::Payer payer;
        core::SteadyTime at;
    };
    using Fetched = std::optional<FetchedPage>;  // nullopt: the walk does not go on

    struct Asked {
        HttpResponse response;  // without its body; status 0 where there was none
        PageBody body;
        Judgement judgement;
        bool blocked = false;  // the ledger holds the account back, so this walk need not
        bool renewed = false;  // the token was refused and is renewed: the same once more
    };

    core::Task<> learn_validators();
    core::Task<Fetched> next_page();
    core::Task<Fetched> fetch(PageRequest request);
    core::Task<std::optional<Grant>> reserve(PageRequest request);
    core::Task<> give_back(Grant grant);
    core::Task<> wait_for_quota(queue::Wait told);
    core::Task<bool> await_key(PageRequest request);
    core::Task<KeyAnswer> key_for(queue::Payer payer);
    void heed_refusal(const std::string& key, Asked& asked);
    core::Task<Asked> ask(PageRequest request, Grant grant,
                          std::optional<storage::Validator> validator);
    core::Task<HttpResult> send(HttpRequest request);
    core::Task<PageBody> read(std::string body, BodyOrigin origin);
    core::Task<bool> settle(queue::Settlement settlement);
    core::Task<bool> prepare_retry(Judgement judgement, Grant grant, bool blocked);
    core::Task<> count_attempt();
    core::Task<core::Micros> suspect(Paying payer, Judgement judgement);
    core::Task<> quarantine(Paying payer, std::string reason);
    core::Task<std::optional<WalkEnd>> put(core::Job job, std::string reservation);

    void follow(FetchedPage& page);
    [[nodiscard]] std::vector<MatchedLimit> limits_of(const PageRequest& request) const;
    [[nodiscard]] std::vector<queue::Payer> payers_for(const PageRequest& request, std::size_t count);
    [[nodiscard]] KeyWish wish_for(const PageRequest& request, const std::vector<MatchedLimit>& limits) const;
    [[nodiscard]] std::string validator_key(const PageRequest& request, const std::string& owner) const;
    [[nodiscard]] queue::Settlement settlement_for(const Grant& grant, const HttpResult& result,
                                                   const Judgement& judgement, core::Micros latency) const;
    [[nodiscard]] std::optional<queue::Settlement> block_for(
        const Grant& grant, const Asked& asked, const queue::Settlement& settlement) const;
    [[nodiscard]] std::optional<storage::Validator> validator_for(const std::string& key) const;
    void note_spent(const queue::Settlement& settlement);
    void measure(const HttpResult& result, core::SteadyTime sent_at);
    void note_discarded(const std::string& reason) const;
    void note_ending(const core::Job& job) const;
    void step_to(const core::Job& job);
    void note_asked(bool asked);

    WalkContext& context_;
    std::shared_ptr<const core::SourceFile> source_;
    const core::Stream& stream_;
    queue::Lease lease_;
    std::vector<storage::Validator> validators_;
    RecentPages recent_;
    std::string last_body_hash_;
    int same_bodies_ = 0;  // that came one after the other, before this one
    std::optional<Ending> stuck_;  // found by the page before
    Exchange exchange_;            // for the page that is being asked for
};

}  // namespace pawl::collector

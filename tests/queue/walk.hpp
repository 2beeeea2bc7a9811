#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/job.hpp"
#include "queue/frontiers.hpp"
#include "queue/page_queue.hpp"

namespace pawl::test {

inline constexpr core::Millis long_ttl{60'000};
inline constexpr core::Millis short_ttl{60};  // a lease that a case lets lapse

inline queue::Offer offer_of(core::SliceId slice, const core::Tip& tip,
                             core::SliceClass slice_class = core::SliceClass::backfill) {
    queue::Offer offer;
    offer.slice.slice = slice;
    offer.slice.stream = "repos";
    offer.slice.part = "part/" + std::to_string(slice);
    offer.slice.slice_class = slice_class;
    offer.tip = tip;
    return offer;
}

/// What a collector, a worker and Postgres do with one slice, without any of them.
template <typename Harness>
class Walk {
  public:
    explicit Walk(Harness& harness, core::SliceId slice = 1) : harness_(harness) {
        tip.slice = slice;
        tip.link = core::Link::random(harness.random);
    }

    queue::OfferAnswer offer(core::SliceClass slice_class = core::SliceClass::backfill,
                             bool force = false) {
        auto one = offer_of(tip.slice, tip, slice_class);
        one.force = force;
        std::vector<queue::Offer> offers{one};
        return harness_.run(harness_.frontiers().offer(std::move(offers))).at(0);
    }
    /// Takes the lease; the case fails when there is none.
    queue::Lease take(const std::string& owner = "a", core::Millis ttl = long_ttl) {
        lease = harness_.run(harness_.frontiers().lease(owner, 1, ttl, core::SliceClass::backfill)).at(0);
        return lease;
    }
    /// The next page as a collector that holds `lease` would make it.
    core::Job page(bool last = false, std::size_t body_size = 10) {
        core::Job job;
        job.slice = tip.slice;
        job.seq = lease.seq + 1;
        job.previous = lease.link;
        job.link = core::Link::random(harness_.random);
        job.source = "test";
        job.stream = "repos";
        job.last = last;
        if (!last) job.next_cursor = "page=" + std::to_string(job.seq + 1);
        job.body = std::string(body_size, 'x');
        job.body[0] = '\0';
        return job;
    }
    queue::Advance advance(const core::Job& job, const std::string& room = "",
                           core::Millis ttl = long_ttl) {
        return harness_.run(harness_.frontiers().advance(job, lease.nonce, room, ttl));
    }
    /// Queues the next page and goes on from it.
    core::Job step(bool last = false, std::size_t body_size = 10) {
        const auto job = page(last, body_size);
        if (advance(job) != queue::Advance::ok) throw std::runtime_error("the page was not taken");
        lease.seq = job.seq;
        lease.link = job.link;
        lease.cursor = job.next_cursor;
        return job;
    }
    /// Moves the tip, as the worker's transaction does.
    void commit(const core::Job& job) {
        tip.seq = job.seq;
        tip.link = job.link;
        tip.cursor = job.next_cursor;
    }
    queue::FrontierView view() {
        std::vector<core::SliceId> slices{tip.slice};
        return harness_.run(harness_.frontiers().view(std::move(slices))).at(0);
    }

    core::Tip tip;
    queue::Lease lease;

  private:
    Harness& harness_;
};

/// All that lies on one shard, or from a place on.
template <typename Harness>
std::vector<queue::QueuedJob> read_shard(Harness& harness, int shard,
                                         const std::string& after = "") {
    std::map<int, std::string> from{{shard, after}};
    return harness.run(harness.pages().read(std::move(from), 1000, 1u << 20, core::Millis(0)));
}

inline queue::Acknowledgement acknowledgement_of(const queue::QueuedJob& queued,
                                                 bool committed = true) {
    const auto job = core::Job::decode(queued.envelope, queued.body);
    queue::Acknowledgement done;
    done.shard = queued.shard;
    done.entry = queued.entry;
    done.slice = job.slice;
    done.seq = job.seq;
    done.link = job.link;
    done.previous = job.previous;
    done.bytes = queued.envelope.size() + queued.body.size();
    done.committed = committed;
    done.ended = job.last && committed;
    return done;
}

template <typename Harness>
void acknowledge(Harness& harness, const queue::QueuedJob& queued, bool committed = true) {
    std::vector<queue::Acknowledgement> all{acknowledgement_of(queued, committed)};
    harness.run(harness.pages().acknowledge(std::move(all)));
}

}  // namespace pawl::test

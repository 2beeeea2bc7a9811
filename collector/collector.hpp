#pragma once

#include <exception>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "collector/walk.hpp"
#include "collector/walk_context.hpp"

namespace pawl::collector {

/// Collects one source: keeps up to `walks_max` slices under way, and the leases on them alive.
/// Owned by the process, used by its one io_context thread. A request that outlasts the drain is
/// left behind: stop the io_context before this is destroyed.
class Collector {
  public:
    /// `accounts` are those of load_accounts, `tokens` is that of tokens_of.
    Collector(std::shared_ptr<const core::SourceFile> source, std::vector<Account> accounts,
              CollectorPorts ports, CollectorOptions options,
              std::shared_ptr<Tokens> tokens = nullptr);

    /// Runs until stop(), then drains: pages in hand are put on the queue, slices handed back, for
    /// at most `options.drain`. Throws core::ConfigError when Redis refuses us for good (rights,
    /// wrong kind of key).
    core::Task<> run();
    void stop() { context_.stopping = true; }

    /// SIGHUP: walks that begin from now on use `source`, and all requests `accounts`. Keys that the API refused are tried
    /// once again.
    void reload(std::shared_ptr<const core::SourceFile> source, std::vector<Account> accounts);
    /// Keys were added, removed or rotated: requests from now on use these.
    void replace_keys(std::vector<Account> accounts);

    /// Every account is refused by the API: exit code 6 for commands that end.
    [[nodiscard]] bool credentials_refused() const { return context_.credentials_refused; }
    [[nodiscard]] std::size_t walking() const { return context_.held.size(); }
    /// Walks that wait for quota or room now.
    [[nodiscard]] std::size_t waiting() const { return context_.waits.waiting() + context_.turnstile.waiting(); }

  private:
    core::Task<> collect();
    core::Task<> reclaim();
    core::Task<std::size_t> take_leases();
    core::Task<> carry(std::shared_ptr<const core::SourceFile> source, queue::Lease lease);
    core::Task<> keep_leases();
    core::Task<> watch_shared();
    core::Task<> renew();
    core::Task<> refresh_shared();
    core::Task<> refresh_quarantine();
    [[nodiscard]] std::size_t walks_most(core::SliceClass slice_class) const;
    core::Task<> readmit();
    core::Task<> drain();
    core::Task<> hand_back(core::SliceId slice, core::Nonce nonce);
    void note_taken(const queue::Lease& lease);
    void note_foreign(const queue::Lease& lease);

    std::shared_ptr<const core::SourceFile> source_;
    WalkContext context_;
    std::set<std::string> foreign_hashes_;  // told once
    int beside_ = 0;         // keep_leases and watch_shared, while they run
    bool drained_ = false;
    bool paused_told_ = false;
    bool readmits_ = true;   // refused accounts are to be tried again: once a start, once a reload
    bool reloaded_ = false;  // watch_shared has not seen to it yet
    bool knows_owners_ = false;  // of the keys at hand
    std::exception_ptr failure_;
};

}  // namespace pawl::collector

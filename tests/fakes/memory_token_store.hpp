#pragma once

#include <map>
#include <tuple>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "storage/token_store.hpp"

namespace pawl::test {

/// Tokens in memory, shared by all that hold this object; time is the given clock's.
class MemoryTokenStore final : public storage::TokenStore {
  public:
    explicit MemoryTokenStore(core::Clock& clock) : clock_(clock) {}

    bool down = false;     // as if Postgres were away
    int lost_replies = 0;  // so many times `keep` takes effect, and its reply is lost
    int kept = 0;          // tokens put

    core::Task<storage::TokenLease> take(storage::TokenSlot slot, core::Nonce nonce,
                                         core::Millis lease) override {
        must_answer();
        Row& row = row_of(slot);
        const auto now = clock_.steady();
        storage::TokenLease answer;
        answer.nonce = nonce;
        answer.granted = !row.held || row.holder == nonce || row.held_until < now;
        if (answer.granted) {
            row.held = true;
            row.holder = nonce;
            row.held_until = now + lease;
        }
        answer.version = row.version;
        answer.kept = row.token;
        if (answer.kept)
            answer.kept->left = std::chrono::duration_cast<core::Micros>(row.ends_at - now);
        co_return answer;
    }
    core::Task<bool> keep(storage::TokenSlot slot, storage::TokenLease lease,
                          storage::KeptToken token) override {
        must_answer();
        Row& row = row_of(slot);
        if (row.version != lease.version && !(row.token && row.token->sealed == token.sealed))
            co_return false;
        row.version = lease.version + 1;
        row.ends_at = clock_.steady() + token.life;
        row.token = std::move(token);
        if (row.holder == lease.nonce) row.held = false;
        ++kept;
        if (lost_replies > 0) {
            --lost_replies;
            throw core::TransientError("reply lost", true);
        }
        co_return true;
    }
    core::Task<> release(storage::TokenSlot slot, core::Nonce nonce) override {
        must_answer();
        Row& row = row_of(slot);
        if (row.holder == nonce) row.held = false;
        co_return;
    }
    /// What is kept of the only slot, to look at or to change.
    [[nodiscard]] storage::KeptToken& only() { return *rows_.begin()->second.token; }

  private:
    struct Row {
        bool held = false;
        core::Nonce holder;
        core::SteadyTime held_until, ends_at;
        std::int64_t version = 0;
        std::optional<storage::KeptToken> token;
    };
    void must_answer() const {
        if (down) throw core::TransientError("Postgres is down");
    }
    Row& row_of(const storage::TokenSlot& slot) {
        return rows_[{slot.source, slot.account, slot.key_id}];
    }

    core::Clock& clock_;
    std::map<std::tuple<std::string, std::string, std::string>, Row> rows_;
};

}  // namespace pawl::test

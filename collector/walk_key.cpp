// What a request of a walk goes out with: a key of the payer, or the token that renews itself.
#include <algorithm>

#include "collector/walk.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

// With a reservation in hand; beyond it the reservation is given back, so that requests do not
// pile up behind a token server that is away.
constexpr core::Micros key_patience = std::chrono::seconds(5);
constexpr core::Micros look_least = std::chrono::milliseconds(20);
constexpr core::Micros look_most = std::chrono::milliseconds(500);

// Counts a walk among those that wait, until it goes out of scope.
class TokenWait {
  public:
    explicit TokenWait(WalkContext& context) : context_(context) {
        context_.waits.begin("token", "default", core::Micros(0), context_.ports.clock.steady());
    }
    TokenWait(const TokenWait&) = delete;
    TokenWait& operator=(const TokenWait&) = delete;
    ~TokenWait() { context_.waits.end("token", "default", context_.ports.clock.steady()); }

  private:
    WalkContext& context_;
};

}  // namespace

// Before anything is reserved for `request`: waits while the token it needs is over and not renewed
// yet. False: the walk does not go on.
core::Task<bool> Walk::await_key(PageRequest request) {
    if (!context_.tokens || !request.with_credentials || context_.accounts.all_refused())
        co_return true;
    std::optional<TokenWait> wait;
    core::Micros pause = look_least;
    while (context_.may_walk(lease_.slice.slice, lease_.nonce)) {
        const auto answer = co_await context_.tokens->key();
        if (answer.kind == KeyAnswer::Kind::ready) co_return true;
        if (answer.kind == KeyAnswer::Kind::refused) {
            Paying payer{"default", "default"};
            co_await quarantine(std::move(payer), answer.reason);
            co_return true;  // reserve() finds nobody to pay
        }
        if (!wait) wait.emplace(context_);
        co_await context_.pause(lease_.slice.slice, lease_.nonce, pause);
        pause = std::min(pause * 2, look_most);
    }
    co_return false;
}

core::Task<KeyAnswer> Walk::key_for(queue::Payer payer) {
    KeyAnswer answer;
    answer.kind = KeyAnswer::Kind::ready;
    if (!exchange_.with_credentials) co_return answer;
    if (context_.tokens)
        answer = co_await context_.tokens->key_within(key_patience);
    else
        answer.key = context_.accounts.secret(payer.key);
    co_return answer;
}

// A 401 to a token may only mean that it is over: with another one the same request is made again.
void Walk::heed_refusal(const std::string& key, Asked& asked) {
    if (!context_.tokens || !exchange_.with_credentials || asked.response.status != 401) return;
    const bool replaced = context_.tokens->replace_refused(key);
    asked.renewed = replaced && asked.judgement.kind == Judgement::Kind::quarantine_key;
    if (!asked.renewed) return;
    note_asked(false);
    context_.ports.telemetry.add(core::Metric::retries, {source_->name, "token"});
}

}  // namespace pawl::collector

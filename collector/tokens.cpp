#include "collector/tokens.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "collector/pacing.hpp"
#include "collector/private_key_file.hpp"
#include "collector/token_life.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

constexpr core::Micros look_every = std::chrono::milliseconds(20);  // at a renewal of our own
constexpr core::Micros look_at_store_every =
    std::chrono::milliseconds(250);  // while another process renews
constexpr core::Millis lease_margin =
    std::chrono::seconds(30);  // beyond the timeouts: for the commit
constexpr core::Micros failure_least = std::chrono::seconds(1);
constexpr core::Micros failure_most = std::chrono::minutes(1);
constexpr core::Micros renewals_apart = std::chrono::seconds(1);  // whatever life the server gives
constexpr core::Micros refusal_pause = std::chrono::minutes(1);
// Old ones may still stand in an answer that is under way; two a renewal.
constexpr std::size_t secrets_remembered_max = 8;

double in_seconds(auto duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Tokens::Tokens(core::TokenGrant grant, std::string source, std::string account, TokenPorts ports,
               TokenOptions options)
    : grant_(std::move(grant)),
      slot_{std::move(source), std::move(account), ""},
      ports_(ports),
      options_(options),
      seal_(grant_, slot_.source, slot_.account),
      nonce_(core::Nonce::random(ports.random)),
      asked_(asked_for(grant_)),
      refresh_token_(grant_.refresh_token) {
    slot_.key_id = seal_.key_id();
}

core::Task<KeyAnswer> Tokens::key() {
    const auto executor = co_await core::asio::this_coro::executor;
    const auto now = ports_.clock.steady();
    const bool usable = is_usable(now);
    const bool due = !usable || now >= held_->renew_at;
    if (due && !renewing_ && now >= next_try_) {
        renewing_ = true;
        core::spawn(executor, "token of " + slot_.source, renew(shared_from_this()));
    }
    KeyAnswer answer;
    if (usable) {
        answer.kind = KeyAnswer::Kind::ready;
        answer.key = held_->token;
    } else if (!renewing_ && !refusal_.empty()) {
        answer.kind = KeyAnswer::Kind::refused;
        answer.reason = refusal_;
    } else {
        answer.reason = trouble_;
        if (!trouble_.empty() && !over_told_)
            core::log::warn("No token that can be used, the source waits for one",
                            {{"source", slot_.source}, {"reason", trouble_}});
        over_told_ = !trouble_.empty();
    }
    co_return answer;
}

core::Task<KeyAnswer> Tokens::key_within(core::Micros patience) {
    const auto until = ports_.clock.steady() + patience;
    while (true) {
        auto answer = co_await key();
        if (answer.kind != KeyAnswer::Kind::waiting || ports_.clock.steady() >= until)
            co_return answer;
        co_await ports_.clock.sleep(look_every);
    }
}

bool Tokens::replace_refused(const std::string& key) {
    if (!held_ || held_->token != key) return true;  // another took its place meanwhile
    if (held_->after_refusal) return false;
    core::log::info("The API refuses a token before its end, it is renewed",
                    {{"source", slot_.source}});
    refused_token_ = key;
    held_.reset();
    return true;
}

void Tokens::try_again() {
    if (held_) held_->after_refusal = false;
    refusal_.clear();
    next_try_ = {};
}

core::Task<> Tokens::until_kept() {
    while (unkept_) co_await ports_.clock.sleep(look_every);
}

core::Task<> Tokens::renew(std::shared_ptr<Tokens> self) {
    std::string fault;  // what only a person can mend
    try {
        co_await self->renew_once();
    } catch (const core::ConfigError& error) {
        fault = error.what();
    } catch (const core::PermanentError& error) {
        fault = error.what();
    }
    if (!fault.empty()) fail_for_good(fault);
    renewing_ = false;
}

core::Task<> Tokens::renew_once() {
    auto lease = co_await lease_or_adopt();
    if (lease && !lease->granted) co_return;  // adopted
    if (!lease && ports_.store && grant_.rotates()) {
        fail_for_now(
            "Postgres does not answer, and a refresh token is used only where the next one can be "
            "kept",
            core::Micros(0));
        co_return;
    }
    co_await ask(std::move(lease));
}

// A granted lease: it is for us to renew. One that is not: its token was adopted, and the lease
// given up. Waits while another process renews.
core::Task<Tokens::Lease> Tokens::lease_or_adopt() {
    while (true) {
        auto lease = co_await take_lease();
        if (!lease) co_return std::nullopt;
        if (adopt(*lease)) {
            if (lease->granted) co_await release();
            lease->granted = false;
            co_return lease;
        }
        if (lease->granted) co_return lease;
        co_await ports_.clock.sleep(with_jitter(look_at_store_every, ports_.random));
    }
}

core::Task<Tokens::Lease> Tokens::take_lease() {
    Lease lease;
    if (!ports_.store) co_return lease;
    const core::Millis length = options_.connect_timeout + options_.request_timeout + lease_margin;
    try {
        lease = co_await ports_.store->take(slot_, nonce_, length);
    } catch (const core::TransientError& error) {
        core::log::debug("No lease on a token, Postgres does not answer",
                         {{"source", slot_.source}, {"error", error.what()}});
    }
    co_return lease;
}

// What is kept takes the place of ours where it is newer and worth it. Its refresh token is the
// newest in any case.
bool Tokens::adopt(const storage::TokenLease& lease) {
    if (!lease.kept) return false;
    const auto opened = seal_.open(lease.kept->sealed);
    const auto secrets = opened ? decode_token_secrets(*opened) : std::nullopt;
    if (!secrets) {
        core::log::warn("A kept token does not open, it is renewed: pawl.token was changed by hand",
                        {{"source", slot_.source}});
        return false;
    }
    note_secret(secrets->token);
    if (!secrets->refresh_token.empty()) {
        note_secret(secrets->refresh_token);
        refresh_token_ = secrets->refresh_token;
    }
    const bool is_ours = held_ && held_->token == secrets->token;
    if (is_ours || secrets->token == refused_token_ || secrets->asked != asked_) return false;
    if (lease.kept->left <= renewal_margin(lease.kept->life)) return false;
    hold(secrets->token, lease.kept->life, lease.kept->left, false);
    count("adopted");
    return true;
}

core::Task<> Tokens::ask(Lease lease) {
    auto request = token_request(grant_, refresh_token_, ports_.clock.now());
    core::remember_secret(request.assertion);
    request.http.connect_timeout = options_.connect_timeout;
    request.http.timeout = options_.request_timeout;
    const auto result = co_await ports_.http.fetch(std::move(request.http));
    const auto given_at = ports_.clock.steady();
    const auto answer = read_token_answer(grant_, result, ports_.clock.now());
    if (const auto* refusal = std::get_if<TokenRefusal>(&answer)) {
        const std::string reason = refusal->reason;
        bool moved = false;
        if (refusal->for_good && lease) moved = co_await has_moved(lease->version);
        if (lease) co_await release();
        if (refusal->for_good && !moved)
            fail_for_good(reason);
        else
            fail_for_now(moved ? "another process renewed it at the same time" : reason,
                         refusal->wait);
        core::forget_secret(request.assertion);
        co_return;
    }
    core::forget_secret(request.assertion);
    const auto& given = std::get<GivenToken>(answer);
    const core::Micros life = given.life;
    note_secret(given.token);
    if (!given.refresh_token.empty()) {
        note_secret(given.refresh_token);
        refresh_token_ = given.refresh_token;
    }
    hold(given.token, life, life, !refused_token_.empty());
    count("renewed");
    if (lease) co_await keep(std::move(*lease), given_at, life);
}

// The refresh token we used may be an old one: a process that stood still for longer than its lease
// finds that another went on.
core::Task<bool> Tokens::has_moved(std::int64_t version) {
    const auto lease = co_await take_lease();
    co_return lease && lease->version != version;
}

// Until it is kept, a new refresh token is in this process alone: then nothing is more urgent.
core::Task<> Tokens::keep(storage::TokenLease lease, core::SteadyTime given_at, core::Micros life) {
    const bool rotated = refresh_token_ != grant_.refresh_token;
    const TokenSecrets secrets{held_->token, rotated ? refresh_token_ : "", asked_};
    storage::KeptToken token;
    token.sealed = seal_.seal(encode(secrets), ports_.random);
    unkept_ = rotated;
    core::Micros wait = retry_least;
    while (true) {
        const auto age = std::chrono::duration_cast<core::Micros>(ports_.clock.steady() - given_at);
        token.life = std::max(life - age, core::Micros(0));
        const bool done = co_await put(lease, token);
        if (done || !rotated) break;  // unkept, another only costs one more renewal
        if (wait == retry_least)
            core::log::warn(
                "A new refresh token cannot be kept, Postgres does not answer: do not "
                "stop this process before it can",
                {{"source", slot_.source}});
        co_await ports_.clock.sleep(with_jitter(wait, ports_.random));
        wait = doubled(wait);
    }
    if (unkept_ && wait != retry_least)
        core::log::info("The new refresh token is kept", {{"source", slot_.source}});
    unkept_ = false;
}

// False: Postgres does not answer.
core::Task<bool> Tokens::put(storage::TokenLease lease, storage::KeptToken token) {
    try {
        const bool stands = co_await ports_.store->keep(slot_, std::move(lease), std::move(token));
        if (!stands)
            core::log::warn("Another process renewed a token at the same time, its token stays",
                            {{"source", slot_.source}});
        co_return true;
    } catch (const core::TransientError& error) {
        core::log::debug("A token is not kept yet, Postgres does not answer",
                         {{"source", slot_.source}, {"error", error.what()}});
        co_return false;
    }
}

// One that cannot be given up lapses.
core::Task<> Tokens::release() {
    try {
        co_await ports_.store->release(slot_, nonce_);
    } catch (const core::TransientError& error) {
        core::log::debug("A lease on a token could not be given up, it lapses",
                         {{"source", slot_.source}, {"error", error.what()}});
    }
}

void Tokens::hold(std::string token, core::Micros life, core::Micros left, bool after_refusal) {
    const auto now = ports_.clock.steady();
    Held held;
    held.token = std::move(token);
    held.renew_at = now + renewal_in(life, left, ports_.random.fraction());
    held.ends_at = now + usable_for(life, left);
    held.after_refusal = after_refusal;
    held_ = std::move(held);
    if (!trouble_.empty() || !refusal_.empty())
        core::log::info("There is a new token again", {{"source", slot_.source}});
    refused_token_.clear();
    trouble_.clear();
    refusal_.clear();
    failures_ = 0;
    next_try_ = now + renewals_apart;
    over_told_ = false;
}

void Tokens::note_secret(const std::string& secret) {
    if (secret.empty() || std::find(secrets_.begin(), secrets_.end(), secret) != secrets_.end())
        return;
    core::remember_secret(secret);
    secrets_.push_back(secret);
    if (secrets_.size() <= secrets_remembered_max) return;
    core::forget_secret(secrets_.front());
    secrets_.pop_front();
}

void Tokens::fail_for_now(const std::string& reason, core::Micros wait) {
    const auto now = ports_.clock.steady();
    const core::Micros backoff =
        std::min(failure_least * (1 << std::min(failures_, 10)), failure_most);
    next_try_ = now + with_jitter(std::max(wait, backoff), ports_.random);
    if (trouble_ != reason)
        core::log::warn(
            "A token cannot be renewed for now",
            {{"source", slot_.source},
             {"reason", reason},
             {"seconds_left", held_ ? std::max(0.0, in_seconds(held_->ends_at - now)) : 0.0}});
    trouble_ = reason;
    refusal_.clear();
    ++failures_;
    count("failed");
}

void Tokens::fail_for_good(const std::string& reason) {
    if (refusal_ != reason)
        core::log::error("No token can be got, someone must look at it",
                         {{"source", slot_.source}, {"reason", reason}});
    refusal_ = reason;
    next_try_ = ports_.clock.steady() + refusal_pause;
    count("refused");
}

bool Tokens::is_usable(core::SteadyTime now) const { return held_ && now < held_->ends_at; }

void Tokens::count(std::string_view result) {
    ports_.telemetry.add(core::Metric::token_renewals, {slot_.source, result});
}

std::shared_ptr<Tokens> tokens_of(const core::SourceFile& source, const std::string& secrets_dir,
                                  TokenPorts ports, TokenOptions options) {
    if (!source.auth || !source.auth->grant) return nullptr;
    auto grant = with_private_key(*source.auth->grant, secrets_dir);
    return std::make_shared<Tokens>(std::move(grant), source.name, "default", ports, options);
}

}  // namespace pawl::collector

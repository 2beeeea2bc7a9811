#include "storage/pg_token_store.hpp"

namespace pawl::storage {
namespace {

using Transaction = pqxx::transaction_base;

// clock_timestamp, not now: the statement may have waited for another's lock on the row.
constexpr const char* take_lease = R"sql(
insert into pawl.token as t (source, account, key_id, holder, held_until)
values ($1, $2, $3, $4::uuid, clock_timestamp() + $5::bigint * interval '1 ms')
on conflict (source, account, key_id) do update
  set holder = excluded.holder, held_until = excluded.held_until
  where t.held_until is null or t.held_until < clock_timestamp() or t.holder = excluded.holder
returning version)sql";

constexpr const char* read_token = R"sql(
select version, sealed,
       (extract(epoch from expires_at - renewed_at) * 1000000)::bigint,
       (extract(epoch from expires_at - clock_timestamp()) * 1000000)::bigint
from pawl.token where source = $1 and account = $2 and key_id = $3)sql";

// `sealed = $6`: the same statement once more, after a commit whose reply was lost.
constexpr const char* keep_token = R"sql(
update pawl.token set
  version = $4::bigint + 1, sealed = $6, renewed_at = statement_timestamp(),
  expires_at = statement_timestamp() + $7::bigint * interval '1 microsecond',
  held_until = case when holder = $5::uuid then null else held_until end,
  holder = case when holder = $5::uuid then null else holder end
where source = $1 and account = $2 and key_id = $3 and (version = $4::bigint or sealed = $6))sql";

constexpr const char* release_lease = R"sql(
update pawl.token set holder = null, held_until = null
where source = $1 and account = $2 and key_id = $3 and holder = $4::uuid)sql";

TokenLease read_lease(Transaction& transaction, const TokenSlot& slot) {
    TokenLease lease;
    const pqxx::result rows =
        transaction.exec_params(read_token, slot.source, slot.account, slot.key_id);
    if (rows.empty()) return lease;
    lease.version = rows[0][0].as<std::int64_t>();
    if (rows[0][1].is_null()) return lease;
    KeptToken kept;
    kept.sealed = rows[0][1].as<std::string>();
    kept.life = core::Micros(rows[0][2].as<std::int64_t>());
    kept.left = core::Micros(rows[0][3].as<std::int64_t>());
    lease.kept = std::move(kept);
    return lease;
}

}  // namespace

PgTokenStore::PgTokenStore(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}

core::Task<TokenLease> PgTokenStore::take(TokenSlot slot, core::Nonce nonce, core::Millis lease) {
    return pool_->transact<TokenLease>(
        [slot = std::move(slot), nonce, lease](Transaction& transaction) {
            const pqxx::result taken =
                transaction.exec_params(take_lease, slot.source, slot.account, slot.key_id,
                                        nonce.str(), std::int64_t{lease.count()});
            TokenLease answer = read_lease(transaction, slot);
            answer.granted = !taken.empty();
            answer.nonce = nonce;
            return answer;
        });
}

core::Task<bool> PgTokenStore::keep(TokenSlot slot, TokenLease lease, KeptToken token) {
    return pool_->transact<bool>([slot = std::move(slot), lease = std::move(lease),
                                  token = std::move(token)](Transaction& transaction) {
        const pqxx::result kept = transaction.exec_params(
            keep_token, slot.source, slot.account, slot.key_id, lease.version, lease.nonce.str(),
            token.sealed, std::int64_t{token.life.count()});
        return kept.affected_rows() == 1;
    });
}

core::Task<> PgTokenStore::release(TokenSlot slot, core::Nonce nonce) {
    std::function<bool(Transaction&)> work = [slot = std::move(slot),
                                              nonce](Transaction& transaction) {
        transaction.exec_params(release_lease, slot.source, slot.account, slot.key_id, nonce.str());
        return true;
    };
    (void)co_await pool_->transact<bool>(std::move(work));
}

}  // namespace pawl::storage

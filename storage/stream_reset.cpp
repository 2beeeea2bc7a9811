#include "storage/stream_reset.hpp"

#include "storage/cancelling.hpp"
#include "storage/walks.hpp"

namespace pawl::storage {
namespace {

constexpr std::size_t untold_max = 100'000;

// Where the planner began a walk in this very moment, that walk is from page one already.
constexpr const char* make_due = R"sql(
update pawl.partition p
set walking = false, open_windows = 0, mark = null, next_due = case when p.state = 'active' then now() end,
    last_outcome = case when p.walking then 'cancelled' else p.last_outcome end
from (select partition_id from pawl.partition where partition_id = any($1::bigint[]) order by part for no key update) as mine
where p.partition_id = mine.partition_id
  and not exists (select from pawl.slice s where s.partition_id = p.partition_id and s.state = 'open')
returning p.state)sql";

constexpr const char* drop_validators_of = "delete from pawl.validator where partition_id = any($1::bigint[])";

}  // namespace

core::Task<StreamReset::Step> StreamReset::step(std::string source, std::string stream, std::optional<std::string> after) {
    return pool_->transact<Step>([source = std::move(source), stream = std::move(stream), after = std::move(after),
                                  limit = partitions_](pqxx::transaction_base& transaction) {
        Step step;
        const auto batch = partitions_after(transaction, source, stream, after ? &*after : nullptr, limit);
        if (batch.ids.empty()) return step;
        const std::string ids = id_array(batch.ids);
        step.cancelled = cancel_walks(transaction, ids);
        for (const auto& row : transaction.exec_params(make_due, ids))
            if (row[0].as<std::string>() == "active") ++step.partitions;
        transaction.exec_params(drop_validators_of, ids);
        if (batch.ids.size() == limit) step.after = batch.last;
        return step;
    });
}

core::Task<std::vector<core::SliceId>> StreamReset::untold(std::string source, std::string stream) {
    return pool_->transact<std::vector<core::SliceId>>(
        [source = std::move(source), stream = std::move(stream)](pqxx::transaction_base& transaction) {
            return cancelled_of_late(transaction, source, stream, untold_max);
        });
}

}  // namespace pawl::storage

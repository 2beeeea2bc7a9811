#include "storage/planner_lock.hpp"

#include "core/log.hpp"

namespace pawl::storage {
namespace {

constexpr const char* try_lock =
    "select pg_try_advisory_lock(hashtextextended('pawl.planner.' || $1, 0)), pg_backend_pid()";
constexpr const char* unlock =
    "select pg_advisory_unlock(hashtextextended('pawl.planner.' || $1, 0))";
constexpr const char* try_lock_in_transaction =
    "select pg_try_advisory_xact_lock(hashtextextended('pawl.planner.' || $1, 0))";

}  // namespace

PlannerLock::PlannerLock(std::string url, std::string source)
    : connection_(std::move(url)), source_(std::move(source)) {}

bool PlannerLock::hold() {
    try {
        connection_.direct([this](pqxx::transaction_base& session) {
            if (session_ != 0) {
                // libpqxx may have connected anew without a word: only the same backend still holds
                // the lock.
                const int backend = session.exec("select pg_backend_pid()")[0][0].as<int>();
                if (backend == session_) return;
                core::log::warn("The session that held the planner lock was lost",
                                {{"source", source_}});
                session_ = 0;
            }
            const pqxx::result answer = session.exec_params(try_lock, source_);
            if (answer[0][0].as<bool>()) session_ = answer[0][1].as<int>();
        });
    } catch (const core::TransientError&) {
        session_ = 0;
        throw;
    }
    return session_ != 0;
}

void PlannerLock::release() {
    if (session_ == 0) return;
    session_ = 0;
    try {
        connection_.direct(
            [this](pqxx::transaction_base& session) { session.exec_params(unlock, source_); });
    } catch (const core::TransientError&) {
        core::log::debug("The session that held the planner lock is gone, and the lock with it",
                         {{"source", source_}});
    }
}

bool nobody_plans(pqxx::transaction_base& transaction, const std::string& source) {
    return transaction.exec_params(try_lock_in_transaction, source)[0][0].as<bool>();
}

}  // namespace pawl::storage

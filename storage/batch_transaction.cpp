#include "storage/batch_transaction.hpp"

#include <thread>

#include "core/clock.hpp"
#include "core/random.hpp"

namespace pawl::storage {

namespace {

constexpr core::Millis jitter_max{40};  // times the attempt

// `local` and stronger settings of the user stay; only `off` would lose acknowledged pages in a
// crash.
// work_mem holds a batch (16 MiB of bodies) while it is sorted by key.
constexpr std::string_view begin_sql = R"sql(
begin;
set local client_encoding = 'UTF8';
set local standard_conforming_strings = on;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local statement_timeout = '120s';
set local lock_timeout = '5s';
set local idle_in_transaction_session_timeout = '30s';
set local jit = off;
set local work_mem = '64MB';
select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off')sql";

}  // namespace

void begin(PqConnection& server) { server.run_all(std::string(begin_sql)); }

bool is_outdated(const SqlError& error) {
    return error.is("42P01") || error.is("42703") || error.is("42883") || error.is("42804") ||
           error.is("0A000");
}

bool is_of_the_data(const SqlError& error) {
    return error.is("22") || error.is("23") || error.is("21") || error.is("54");
}

void wait_a_little(int attempt) {
    core::SystemRandom random;
    const double millis = random.fraction() * static_cast<double>(jitter_max.count() * attempt);
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<std::int64_t>(millis * 1'000)));
}

}  // namespace pawl::storage

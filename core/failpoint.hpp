#pragma once

#include <cstdint>

namespace pawl::core {

/// Named places where a test may kill, stop, delay or throw: `PAWL_FAILPOINTS=after_append_ok=kill@7,before_commit=throw`.
/// Costs one load of a flag when none is armed.
enum class Failpoint : std::uint8_t {
    after_lease, before_fetch, after_fetch, after_append_sent, after_append_ok, after_read, after_start, after_parse,
    after_begin, after_cas, after_upsert, before_commit, after_commit_sent, after_commit, after_ack, in_seed, in_plan,
    in_dlq, in_replay, in_ddl, count_
};

/// Reads PAWL_FAILPOINTS once. Throws ConfigError naming a word it does not know. Without the call nothing is armed.
void arm_failpoints_from_environment();
/// kill: SIGKILL to itself · stop: SIGSTOP · delay=MS · throw: TransientError. At the nth hit (default 1).
void hit(Failpoint point);

}  // namespace pawl::core

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::core {

/// How a page, and in the end a slice, came out. The same words stand in code, tables, command line and metrics.
enum class [[nodiscard]] Outcome : std::uint8_t {
    ok,            ///< records were read
    not_modified,  ///< 304: the rows of an earlier page are confirmed
    empty,         ///< the API says there is nothing (204, 409 …)
    gone,          ///< the thing asked for no longer exists (404, 410, 451)
    truncated,     ///< a ceiling of the API or of max_pages cut the walk
    too_large,     ///< the body is beyond body_max
    failed,        ///< retries are used up
    dead,          ///< the page cannot be stored; it is a dead letter
    cancelled,     ///< the source file no longer asks for it
    stuck,         ///< a cycle or an endless list
};

[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::optional<Outcome> parse_outcome(std::string_view word);

/// True for outcomes that end a run with exit code 3.
[[nodiscard]] constexpr bool needs_attention(Outcome outcome) {
    return outcome == Outcome::too_large || outcome == Outcome::failed || outcome == Outcome::dead ||
           outcome == Outcome::stuck;
}

/// Whether a page of a numbered list continues the one before it, as far as that can be told. A list shifts when records
/// come or go while it is walked.
enum class Shift : std::uint8_t {
    none,
    repeated,  ///< records of the page before stand on this one too
    reread,    ///< it does not continue the page before: the walk steps back and reads again
    skipped,   ///< the same, and stepping back did not help or may not be done: records may be missing
};

/// "" for none.
[[nodiscard]] std::string_view to_string(Shift shift);
[[nodiscard]] std::optional<Shift> parse_shift(std::string_view word);

/// Exit codes of every command.
enum class ExitCode : int {
    ok = 0,
    failure = 1,
    usage = 2,
    finished_with_losses = 3,  ///< finished, with dead letters or failed slices
    differences = 4,           ///< verify found something it cannot explain, test other rows
    unreachable = 5,           ///< Redis, Postgres or the API
    refused = 6,               ///< credentials refused
    config = 78,               ///< sysexits.h EX_CONFIG
};

}  // namespace pawl::core

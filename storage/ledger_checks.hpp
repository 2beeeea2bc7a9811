#pragma once

#include <span>
#include <string_view>

namespace pawl::storage {

/// One question to the ledger whose answer should be empty. Parameters: $1 source, $2 stream (''
/// for all). Yields a row per difference: stream, slice id or null, sequence number or null, what
/// was expected and found, and the number of differences in all. At most 1,001 rows.
struct LedgerCheck {
    std::string_view name;
    std::string_view sql;
};

/// In the order in which a person should read them: a broken chain explains most of what comes
/// after it.
[[nodiscard]] std::span<const LedgerCheck> ledger_checks();

}  // namespace pawl::storage

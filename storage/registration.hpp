#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/source_file.hpp"
#include "storage/catalogue.hpp"
#include "storage/mapping_check.hpp"
#include "storage/pq_door.hpp"

namespace pawl::storage {

/// Hex digest over all that decides what is asked for and where it goes: a change of it is a new
/// configuration epoch.
[[nodiscard]] std::string config_hash(const core::SourceFile& source);

/// What this process registered for the source before; nullopt: nothing yet.
using RegisteredBefore = std::optional<std::string>;

/// Catalogue::register_source inside the caller's transaction. A configuration that was in force
/// before and is not now comes back into force when the process that holds the one in force asks
/// for it (a reload), or when a fresh process asks and nobody plans this source (a person put the
/// old file back). Else `may_plan` is false: an older daemon is still running beside a newer one.
/// Throws core::ConfigError, and changes nothing, where a changed key or table cannot take effect
/// (storage/mapping_changes.hpp).
[[nodiscard]] Registration register_source(pqxx::transaction_base& transaction,
                                           const core::SourceFile& source,
                                           const RegisteredBefore& before,
                                           SplitWalks split = SplitWalks::refuse);

}  // namespace pawl::storage

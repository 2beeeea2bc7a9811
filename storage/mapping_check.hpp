#pragma once

#include <memory>

#include "core/source_file.hpp"
#include "core/task.hpp"
#include "storage/connection.hpp"
#include "storage/mapping_changes.hpp"

namespace pawl::storage {

/// May a source file take effect that writes tables by other keys, or other tables, than what is stored? `cancel`: a person
/// accepts that begun walks of moved tables begin anew.
enum class [[nodiscard]] SplitWalks : std::uint8_t{refuse, cancel};

/// What follows from what Postgres has. Looks at open slices only where the file is not the one in force, or is refused: that is
/// a pass over them. Locks nothing.
[[nodiscard]] MappingVerdict judge_file(pqxx::transaction_base& transaction, const core::SourceFile& source);

/// Throws core::ConfigError with what `verdict` refuses.
void require_accepted(const MappingVerdict& verdict, SplitWalks split);

/// The same for a file that is about to be used, before anything of a process goes by it. A catalogue that was never set up
/// has nothing to say. Throws core::TransientError while Postgres is away.
core::Task<> check_mappings(std::shared_ptr<ConnectionPool> pool, std::shared_ptr<const core::SourceFile> source,
                            SplitWalks split);

}  // namespace pawl::storage

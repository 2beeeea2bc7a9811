#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/source_file.hpp"
#include "storage/catalogue.hpp"
#include "storage/pq_door.hpp"

/// From due partitions to slices on offer: the statements behind storage/catalogue.hpp, inside the
/// caller's transaction. `streams` empty: all. None of them looks at more rows than are due, open
/// or asked for.
namespace pawl::storage {

/// True while the configuration `epoch` is in force; it stays so until the transaction ends.
[[nodiscard]] bool is_in_force(pqxx::transaction_base& transaction, const std::string& source,
                               std::int64_t epoch);

[[nodiscard]] std::int64_t fall_due(pqxx::transaction_base& transaction,
                                    const core::SourceFile& source, const core::Stream& stream);
[[nodiscard]] std::int64_t start_walks(pqxx::transaction_base& transaction,
                                       const core::SourceFile& source,
                                       const std::vector<std::string>& streams, std::size_t limit,
                                       core::SliceClass slice_class);
[[nodiscard]] std::vector<DueSlice> due_slices(pqxx::transaction_base& transaction,
                                               const std::string& source,
                                               const std::vector<std::string>& streams,
                                               core::Token epoch, std::size_t limit);
void mark_offered(pqxx::transaction_base& transaction, const std::vector<core::SliceId>& slices,
                  core::Token epoch, core::Millis quiet);
[[nodiscard]] std::vector<core::Tip> open_tips(pqxx::transaction_base& transaction,
                                               const std::vector<core::SliceId>& slices);
[[nodiscard]] std::vector<Validator> validators(pqxx::transaction_base& transaction,
                                                std::int64_t partition);
[[nodiscard]] Catalogue::Remaining remaining(pqxx::transaction_base& transaction,
                                             const std::string& source,
                                             const std::vector<std::string>& streams);

/// What a slice asks for, of its columns lo and hi.
[[nodiscard]] core::Window window_of(const pqxx::field& lo, const pqxx::field& hi);

/// `{1,2,3}`: how libpqxx takes an array of ids as one parameter in both of its versions.
[[nodiscard]] std::string id_array(const std::vector<core::SliceId>& ids);

}  // namespace pawl::storage

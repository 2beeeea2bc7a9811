#pragma once

#include "storage/pq_connection.hpp"

/// The transaction in which pages are stored: how it begins, and what its failures mean.
namespace pawl::storage {

inline constexpr int attempts_max = 8;       // collisions with other writers, before the caller is told to come back
inline constexpr int attempts_in_doubt = 2;  // the same again on a new connection, after a commit in doubt

/// BEGIN, with the settings that pages are stored under. Throws SqlError.
void begin(PqConnection& server);
/// Something in the database is not as we remember it: other columns, other types, no table.
[[nodiscard]] bool is_outdated(const SqlError& error);
/// The data's own fault, whatever the world does.
[[nodiscard]] bool is_of_the_data(const SqlError& error);
/// After a collision: at random, longer with each attempt.
void wait_a_little(int attempt);

}  // namespace pawl::storage

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/source_file.hpp"

/// What a changed key or table of a source file would do to what is stored. Pure; storage/mapping_check.hpp reads the facts.
namespace pawl::storage {

using Key = std::vector<std::string>;  ///< identifiers

/// A table as Postgres has it.
struct KeyFacts {
    bool exists = false;
    std::vector<Key> unique_keys;  ///< what rows can be told apart by; the primary key first
    std::vector<Key> mapped_keys;  ///< by which pawl has written it, of any source and at any time
};

/// One emit of a mapping that pages were stored with, as pawl.spec has it.
struct MappedEmit {
    std::string schema, table;
};

/// A mapping of a stream, and the open slices that have pages stored with it.
struct BegunSlices {
    std::string stream, mapping_hash;
    std::vector<MappedEmit> emits;
    std::int64_t slices = 0;
};

/// What Postgres knows of the tables and streams of a source file.
struct MappingFacts {
    std::map<std::string, KeyFacts> tables;                   ///< by quoted_table()
    std::map<std::string, std::int64_t> open_slices;          ///< by stream
    std::map<std::string, std::vector<MappedEmit>> in_force;  ///< by stream: the mapping of the last registration
    std::vector<BegunSlices> begun;                           ///< open slices with stored pages, of all streams
};

/// What follows.
struct MappingVerdict {
    std::string refusal;                ///< not empty: nothing may be changed, and what a person can do
    std::string split;                  ///< the same, but for a person who accepts the changes: `moved` is then cancelled
    std::vector<std::string> warnings;  ///< tables that are not written any more
    std::vector<BegunSlices> moved;     ///< open slices whose pages would lie in two tables
};

[[nodiscard]] MappingVerdict judge_mappings(const core::SourceFile& source, const MappingFacts& facts);

}  // namespace pawl::storage

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/source_file.hpp"

/// What a source file says about one of its tables: the union of all emits that write it. Pure.
namespace pawl::storage {

/// jsonb: fields of the short form that have no column, by name.
inline constexpr const char* overflow_column = "_pawl_overflow";

struct TableShape {
    struct Column {
        std::string original;                      ///< as in the source file
        std::string name;                          ///< identifier
        std::optional<core::ColumnType> declared;  ///< known without data: `as TYPE`, count(…)
        bool is_key = false;
    };
    std::string table;                  ///< as in the source file
    std::vector<Column> columns;        ///< key first, in order
    std::vector<std::string> key;       ///< identifiers; empty: keyless
    std::vector<std::string> versions;  ///< version columns, one per versioned emit
    bool infers = false;  ///< a short form writes it: further columns come with the data
    bool history = false;    ///< a row for each change of a key
    bool marks = false;      ///< rows that are absent get `_pawl_deleted_at`
    bool notes_seen = false;  ///< rows have `_pawl_seen`: when they were seen last, where no version says it
    bool overflows = false;  ///< fields without a column go into `overflow_column`

    [[nodiscard]] const Column* find(const std::string& name) const;
    /// A column that pawl fills itself, and the data never.
    [[nodiscard]] bool is_own(const std::string& name) const;
    /// What tells its rows apart: the key, and with history since when.
    [[nodiscard]] std::vector<std::string> primary_key() const;
};

/// Throws core::ConfigError when two columns of the table come to one identifier.
[[nodiscard]] TableShape shape_of(const core::SourceFile& source, const std::string& table);
/// Names of all tables the source writes, each once, sorted.
[[nodiscard]] std::vector<std::string> table_names(const core::SourceFile& source);
/// Identifier of the version column of one emit; "" where it has none (fill_null, keyless). The
/// first versioned emit on a table, in file order, owns `_pawl_version`; others have
/// `_pawl_version_<stream>`, with a number when they are several.
[[nodiscard]] std::string version_column(const core::SourceFile& source, const core::Stream& stream,
                                         std::size_t emit);

}  // namespace pawl::storage

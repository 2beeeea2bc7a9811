#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/field_table.hpp"

namespace pawl::core {

/// A field for a person at a terminal: what it is, its type and default, what is below it, an example. Pure.
[[nodiscard]] std::string explanation(const Field& field);
/// The same for the file as a whole: its keys.
[[nodiscard]] std::string explanation_of_file();

/// Text as docs/source-files.md has it that shows this field, or the nearest above it that is shown there; "" where none is.
[[nodiscard]] std::string_view field_example(std::string_view path);
struct FieldExample {
    std::string_view path;
    std::string_view text;
};
[[nodiscard]] std::span<const FieldExample> field_examples();

/// How values of a type are written: `duration` as "500ms, 30s, …"; "" where the type's name says it.
[[nodiscard]] std::string_view type_notation(std::string_view type);
struct TypeNotation {
    std::string_view type;
    std::string_view text;
};
[[nodiscard]] std::span<const TypeNotation> type_notations();

}  // namespace pawl::core

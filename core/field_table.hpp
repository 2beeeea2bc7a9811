#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::core {

/// One field of the source file. The parser, and what explains the format to people and editors,
/// follow these rows: a key that is not here is unknown.
struct Field {
    std::string_view
        path;  ///< "streams.*.paginate.max_pages"; `*` is any name, `[]` an item of a list
    std::string_view
        type;  ///< words for people; choices are `"a | b"` and are what the parser accepts
    std::string_view fallback;    ///< as it would be written; "" where there is none
    std::string_view doc;         ///< one line
    bool built = true;            ///< false: "not supported in this version"
    std::string_view later = "";  ///< choices that are not supported in this version, `"c | d"`
};

/// All fields, in the order of the reference page.
[[nodiscard]] std::span<const Field> source_fields();
/// The row of `name` inside the map at `map_path` ("" is the file itself): its own, or that of `*`.
/// Null pointer: unknown.
[[nodiscard]] const Field* find_source_field(std::string_view map_path, std::string_view name);
/// The row with exactly this path. Throws std::logic_error when there is none: the caller names a
/// field that is not in the table.
[[nodiscard]] const Field& source_field(std::string_view path);
/// The rows one level below the row `path` ("" is the file itself), in order; those of the items where it is a list.
[[nodiscard]] std::vector<const Field*> source_field_children(std::string_view path);
/// The row that says what `field` is, where it is "as in emit" or "as in a stream"; else itself.
[[nodiscard]] const Field& defining_field(const Field& field);
/// Names inside the map at `map_path` that this version supports.
[[nodiscard]] std::vector<std::string> source_field_names(std::string_view map_path);
/// `"a | b | c"` as a list.
[[nodiscard]] std::vector<std::string> split_choices(std::string_view choices);

}  // namespace pawl::core

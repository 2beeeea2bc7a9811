#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/diagnostics.hpp"

namespace pawl::core {

using Environment = std::map<std::string, std::string>;

/// One node of a YAML text. A scalar is text and nothing else: `NO`, `5` and `1e3` stay what was
/// written; who reads the node decides on a type.
struct YamlNode {
    enum class Kind : std::uint8_t {
        null,  ///< nothing, `~` or `null`
        scalar,
        sequence,
        map,
        invalid,  ///< a problem was reported for it already: readers skip it silently
    };
    struct Member;

    Kind kind = Kind::null;
    Position at = {};
    bool quoted = false;    ///< scalar in quotes or a block: never a number
    std::string text = {};  ///< scalar, with variables replaced
    int text_offset = 0;    ///< columns from `at` to the text's first byte; -1: not on that line
    std::vector<std::string> variable_values = {};  ///< what `${…}` in the scalar stood for
    std::vector<YamlNode> items = {};               ///< sequence
    std::vector<Member> members;  ///< map, in the order of the file, no name twice

    [[nodiscard]] bool is_null() const { return kind == Kind::null; }
    [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
    [[nodiscard]] bool is_sequence() const { return kind == Kind::sequence; }
    [[nodiscard]] bool is_map() const { return kind == Kind::map; }
    /// The member's value, or null pointer.
    [[nodiscard]] const YamlNode* find(std::string_view name) const;
    /// Descends by names and indexes ("0", "1", …) as far as it can: where to point for something
    /// about that path.
    [[nodiscard]] const YamlNode& nearest(const std::vector<std::string>& path) const;
    /// Where byte `offset` of the text stands in the file, as near as can be told.
    [[nodiscard]] Position position_of(std::size_t offset) const;
};

struct YamlNode::Member {
    std::string name;
    Position at = {};
    YamlNode value;
};

/// Bounds of a YAML text: a person wrote it.
inline constexpr std::size_t yaml_bytes_max = 1u << 20;
inline constexpr int yaml_depth_max = 64;
inline constexpr std::size_t yaml_names_max = 2'000;  // of one map: more than the columns that a table may have

/// Parses one YAML document; the only place that uses yaml-cpp. `${VAR}`, `${VAR:-default}` (unset
/// or empty) and
/// `${VAR:?message}` are replaced in scalars from `environment` after parsing, `$${` stands for
/// `${`. Duplicate names, aliases, anchors, tags, a second document and undefined variables become
/// problems. The result is of Kind::invalid when it cannot be read at all. Throws
/// ProblemsError where there are too many to tell.
[[nodiscard]] YamlNode parse_yaml(std::string_view text, const Environment& environment,
                                  Problems& problems);

/// The whole file, at most yaml_bytes_max and one byte (so that a longer one is told). Throws
/// ConfigError when it cannot be read.
[[nodiscard]] std::string read_text_file(const std::string& path);

}  // namespace pawl::core

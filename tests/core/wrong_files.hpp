#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/source_parser.hpp"
#include "tests/core/problem_list.hpp"

/// Wrong source files, of which a test writes only what is wrong: what is said about them, one line a problem.
namespace pawl::core {

using Lines = std::vector<std::string>;

inline Lines wrong_file(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
    return problems_of([&] { (void)parse_source_text(text, "x.yaml", environment); });
}

/// The head of a file that is fine, with `lines` in line 3 and following.
inline Lines wrong_head(const std::string& lines) {
    return wrong_file("source: s\nstreams: {a: {url: \"https://h/\", key: id}}\n" + lines);
}

/// A stream `a` whose own lines, from line 5 on, are indented by 4.
inline Lines wrong_stream(const std::string& lines) {
    return wrong_file("source: s\nbase_url: https://api.test\nstreams:\n  a:\n" + lines);
}

/// A stream with `line` (line 7) beside path and key.
inline Lines wrong_field(const std::string& line) {
    return wrong_stream("    path: /a\n    key: id\n    " + line + "\n");
}

/// A stream with `emit` (line 6) beside path.
inline Lines wrong_emit(const std::string& emit) {
    return wrong_stream("    path: /a\n    emit: " + emit + "\n");
}

/// A stream asked for by `foreach` (line 5) at `path` (line 6).
inline Lines wrong_foreach(const std::string& foreach_text, const std::string& path = "/a") {
    return wrong_stream("    foreach: " + foreach_text + "\n    path: \"" + path +
                        "\"\n    key: id\n");
}

}  // namespace pawl::core

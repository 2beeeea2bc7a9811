#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/diagnostics.hpp"

namespace pawl::core {

/// What `read` reports, one line each: `line:column: message (hint)`. Empty when it accepts the
/// file.
inline std::vector<std::string> problems_of(const std::function<void()>& read) {
    std::vector<std::string> lines;
    try {
        read();
    } catch (const ProblemsError& error) {
        for (const Problem& problem : error.problems) {
            std::string line = problem.message;
            if (problem.at.line > 0)
                line = std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) +
                       ": " + line;
            if (!problem.hint.empty()) line += " (" + problem.hint + ")";
            lines.push_back(line);
        }
    }
    return lines;
}

}  // namespace pawl::core

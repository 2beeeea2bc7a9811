#include "core/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/characters.hpp"
#include "core/redact.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

// A line that is longer is cut around the caret: one-line files exist.
constexpr std::size_t shown_columns_max = 120;

bool is_continuation_byte(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Control characters would move the caret or the terminal.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return out;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation_byte(c); }));
}

/// The line and, below it, a caret at `column` (bytes, from 1).
std::string excerpt(int line, std::string_view source_line, std::size_t column) {
    const std::size_t caret = std::min(column - 1, source_line.size());
    std::size_t begin = caret > shown_columns_max / 2 && source_line.size() > shown_columns_max
                            ? caret - shown_columns_max / 2
                            : 0;
    while (begin < caret && is_continuation_byte(source_line[begin])) ++begin;
    std::size_t end = std::min(source_line.size(), begin + shown_columns_max);
    while (end < source_line.size() && is_continuation_byte(source_line[end])) ++end;

    const std::string number = std::to_string(line);
    const std::string shown = printable(source_line.substr(begin, end - begin));
    const std::string before(characters(source_line.substr(begin, caret - begin)), ' ');
    return fmt::format("\n  {} | {}\n  {} | {}^", number, shown, std::string(number.size(), ' '),
                       before);
}

std::string render_all(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems) {
        if (!text.empty()) text += '\n';
        text += problem.render();
    }
    return text;
}

/// Edits between two words: insert, delete, replace, swap neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace

std::string Problem::render() const {
    std::string text = file;
    if (at.line > 0) text += fmt::format(":{}:{}", at.line, at.column);
    text += ": " + message;
    if (at.line > 0 && !source_line.empty())
        text += excerpt(at.line, source_line, static_cast<std::size_t>(std::max(at.column, 1)));
    if (!hint.empty()) text += "\n  hint: " + hint;
    return with_utf8(redact(text));
}

ProblemsError::ProblemsError(std::vector<Problem> all)
    : ConfigError(render_all(all)), problems(std::move(all)) {}

Problems::Problems(std::string file, std::string_view text) : file_(std::move(file)) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines_.emplace_back(line);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

void Problems::add(Position at, std::string message, std::string hint) {
    // Two readers of one value say the same.
    for (const Problem& problem : found_)
        if (problem.at == at && problem.message == message) return;
    const auto line = static_cast<std::size_t>(at.line);
    found_.push_back({file_, at, std::move(message), std::move(hint),
                      line >= 1 && line <= lines_.size() ? lines_[line - 1] : ""});
    if (found_.size() < problems_max) return;
    found_.push_back({file_, {}, fmt::format("has more than {} problems: only these are told", problems_max - 1), "", ""});
    throw_if_any();
}

void Problems::throw_if_any() const {
    if (found_.empty()) return;
    std::vector<Problem> all = found_;
    std::stable_sort(all.begin(), all.end(),
                     [](const Problem& a, const Problem& b) { return a.at < b.at; });
    throw ProblemsError(std::move(all));
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.size() > 100) return "";
    const std::string wanted = lower(word);
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(wanted, lower(candidate));
        if (distance < best_distance && distance < candidate.size()) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    const std::string candidate = closest(word, candidates);
    return candidate.empty() ? "" : "did you mean \"" + candidate + "\"?";
}

std::string enumerate(const std::vector<std::string>& words, std::string_view last_joiner) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? fmt::format(" {} ", last_joiner) : ", ";
        text += words[i];
    }
    return text;
}

}  // namespace pawl::core

#include "app/progress_writer.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

namespace pawl::app {

namespace {

constexpr core::Millis line_every{30'000};  // where nobody watches: a log

/// `text` cut to the width of the terminal, so that it stays on one line.
std::string cut_to_terminal(const std::string& text) {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return text;
    std::string out;
    int columns = 0;
    for (const char c : text) {
        if ((c & '\xc0') != '\x80' && ++columns >= size.ws_col) break;
        out += c;
    }
    return out;
}

}  // namespace

ProgressWriter::ProgressWriter(core::SteadyTime begin, std::vector<std::string> streams,
                               const Invocation& invocation)
    : line_(begin, std::move(streams)),
      next_(begin),
      every_(invocation.progress_every.value_or(line_every)),
      is_terminal_(!invocation.progress_json && !invocation.progress_every &&
                   ::isatty(STDERR_FILENO) == 1),
      is_json_(invocation.progress_json),
      is_result_json_(invocation.json || invocation.progress_json) {
    if (is_terminal_) every_ = core::Millis(0);
}

void ProgressWriter::update(core::SteadyTime now, std::vector<Snapshot> snapshots) {
    line_.update(now, std::move(snapshots));
    if (lost_before_ < 0) {
        lost_before_ = line_.now().slices_lost;
        next_ = now + every_;
        return;
    }
    if (now < next_) return;
    next_ = now + every_;
    show();
}

void ProgressWriter::show() {
    if (is_json_) {
        std::cout << line_.json().dump() << std::endl;
    } else if (is_terminal_) {
        std::cerr << "\r\x1b[K" << cut_to_terminal(line_.text()) << std::flush;
        is_drawn_ = true;
    } else {
        std::cerr << line_.text() << std::endl;
    }
}

void ProgressWriter::clear() {
    if (is_drawn_) std::cerr << std::endl;
    is_drawn_ = false;
}

void ProgressWriter::say(const std::string& text) {
    clear();
    std::cerr << text << std::endl;
}

void ProgressWriter::finish() {
    if (is_terminal_) show();
    clear();
    if (!is_result_json_) {
        std::cout << line_.summary() << std::flush;
        return;
    }
    auto result = line_.json();
    result["finished"] = true;
    std::cout << result.dump() << std::endl;
}

bool ProgressWriter::has_losses() const {
    return line_.now().dead_letters > 0 ||
           line_.now().slices_lost > std::max<std::int64_t>(0, lost_before_);
}

}  // namespace pawl::app

#include "queue/page_queue.hpp"

#include <charconv>
#include <utility>

namespace pawl::queue {

namespace {

std::pair<std::uint64_t, std::uint64_t> numbers(const std::string& id) {
    std::uint64_t time = 0, count = 0;
    const char* end = id.data() + id.size();
    const auto first = std::from_chars(id.data(), end, time);
    if (first.ptr != end) std::from_chars(first.ptr + 1, end, count);
    return {time, count};
}

}  // namespace

bool entry_before(const std::string& a, const std::string& b) { return numbers(a) < numbers(b); }

}  // namespace pawl::queue

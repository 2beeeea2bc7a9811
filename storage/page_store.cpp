#include "storage/page_store.hpp"

#include <array>

namespace pawl::storage {

std::string_view to_string(Verdict verdict) {
    constexpr std::array<std::string_view, 10> words{"committed", "duplicate", "superseded", "finished", "fork",
                                                     "gap",       "cancelled", "stuck",      "unknown",  "unstorable"};
    return words[static_cast<std::size_t>(verdict)];
}

PageResult::Counts& PageResult::Counts::operator+=(const Counts& more) {
    read += more.read;
    inserted += more.inserted;
    updated += more.updated;
    same += more.same;
    stale += more.stale;
    duplicate += more.duplicate;
    rejected += more.rejected;
    deleted += more.deleted;
    return *this;
}

}  // namespace pawl::storage

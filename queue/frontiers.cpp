#include "queue/frontiers.hpp"

#include <array>

namespace pawl::queue {

std::string_view to_string(OfferAnswer answer) {
    static constexpr std::array<std::string_view, 7> words{"offered", "waiting", "leased",  "chained",
                                                           "same",    "reseeded", "behind"};
    return words[static_cast<std::size_t>(answer)];
}

std::string_view to_string(Advance answer) {
    static constexpr std::array<std::string_view, 4> words{"ok", "duplicate", "fenced", "full"};
    return words[static_cast<std::size_t>(answer)];
}

}  // namespace pawl::queue

// What every adapter of core/random.hpp does: the kernel's randomness, and the seeded one of the simulation.
#include <algorithm>
#include <array>
#include <set>

#include "core/identity.hpp"
#include "core/random.hpp"
#include "tests/support/catch.hpp"

namespace {

using pawl::core::SeededRandom;
using pawl::core::SystemRandom;

struct Kernel {
    SystemRandom random;
};
struct Seeded {
    SeededRandom random{17};
};

}  // namespace

TEMPLATE_TEST_CASE("random bytes fill what they are asked for, and nothing beyond", "[random_contract]", Kernel, Seeded) {
    TestType source;
    auto& random = source.random;
    for (const std::size_t size : {0, 1, 7, 8, 9, 16, 1'000}) {
        std::vector<std::uint8_t> bytes(size + 8, 0xAA);
        random.fill(bytes.data(), size);
        CHECK(std::all_of(bytes.end() - 8, bytes.end(), [](auto byte) { return byte == 0xAA; }));
        if (size >= 1'000) CHECK(std::set(bytes.begin(), bytes.end() - 8).size() > 200);
    }
}

TEMPLATE_TEST_CASE("random numbers do not repeat, are in their range and spread over it", "[random_contract]", Kernel, Seeded) {
    TestType source;
    auto& random = source.random;
    std::set<std::uint64_t> numbers;
    std::set<pawl::core::Token> tokens;
    std::array<int, 10> tenths{};
    for (int i = 0; i < 10'000; ++i) {
        numbers.insert(random.next());
        tokens.insert(pawl::core::Token::random(random));
        const double fraction = random.fraction();
        REQUIRE(fraction >= 0);
        REQUIRE(fraction < 1);
        ++tenths[static_cast<std::size_t>(fraction * 10)];
    }
    CHECK(numbers.size() == 10'000);
    CHECK(tokens.size() == 10'000);
    for (const int count : tenths) CHECK(std::abs(count - 1'000) < 250);  // eight standard deviations
}

TEST_CASE("a seed gives the same numbers again, another one others", "[random_contract]") {
    SeededRandom one(5), same(5), other(6);
    const auto first = one.next();
    CHECK(first == same.next());
    CHECK(first != other.next());
}

#include "collector/unpack.hpp"

#include "core/job.hpp"
#include "tests/collector/packing.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using State = pawl::collector::Unpacked::State;
using test::gzipped;
using test::zipped;

namespace {

constexpr std::size_t mebibyte = 1u << 20;

std::string unpacked(const std::string& body) {
    const auto result = unpack(body, mebibyte);
    CHECK(result.state == State::ok);
    CHECK(result.reason.empty());
    return result.body;
}

State state_of(const std::string& body, std::size_t size_max = mebibyte) {
    const auto result = unpack(body, size_max);
    CHECK(result.body.size() <= size_max);
    CHECK(result.reason.empty() == (result.state == State::ok));
    return result.state;
}

/// A zstd frame that does not tell its size, as a server makes that compresses while it sends: one raw block.
std::string streamed_zstd(const std::string& text) {
    std::string frame("\x28\xb5\x2f\xfd\x00\x58", 6);
    const auto header = static_cast<std::uint32_t>(text.size() << 3 | 1);
    for (int shift = 0; shift < 24; shift += 8) frame += static_cast<char>(header >> shift & 0xff);
    return frame + text;
}

}  // namespace

TEST_CASE("packed bodies are told by how they begin", "[collector][unpack]") {
    CHECK(is_packed(gzipped("a")));
    CHECK(is_packed(zipped({{"a", "b"}})));
    CHECK(is_packed(core::compress("a")));
    for (const char* body : {"", "{}", "PK", "[1]", "a,b\n", "<a/>", "\x1f"}) CHECK_FALSE(is_packed(body));
}

TEST_CASE("gzip, zip and zstd are unpacked", "[collector][unpack]") {
    CHECK(unpacked(gzipped("hello")) == "hello");
    CHECK(unpacked(gzipped("hel") + gzipped("lo")) == "hello");
    CHECK(unpacked(gzipped("")).empty());
    CHECK(unpacked(core::compress("hello")) == "hello");
    CHECK(unpacked(core::compress("hel") + core::compress("lo")) == "hello");
    CHECK(unpacked(core::compress("")).empty());
    CHECK(unpacked(streamed_zstd("hello")) == "hello");
    CHECK(unpacked(zipped({{"data.csv", "hello"}})) == "hello");
    CHECK(unpacked(zipped({{"folder/", ""}, {"folder/data.csv", "hello"}})) == "hello");
    CHECK(unpacked(zipped({{"data.csv", ""}})).empty());
    const std::string large(mebibyte, 'x');
    CHECK(unpacked(gzipped(large)) == large);
    CHECK(unpacked(core::compress(large)) == large);
    CHECK(unpacked(streamed_zstd(large.substr(0, 100'000))) == large.substr(0, 100'000));
    CHECK(unpacked(zipped({{"a", large}})) == large);
}

TEST_CASE("unpacking stops at the bound", "[collector][unpack]") {
    const std::string bomb(64 * mebibyte, '\0');
    for (const auto& packed : {gzipped(bomb), core::compress(bomb), zipped({{"bomb", bomb}})}) {
        CHECK(packed.size() < mebibyte);
        CHECK(state_of(packed) == State::too_large);
    }
    CHECK(state_of(gzipped("12345"), 5) == State::ok);
    CHECK(state_of(gzipped("12345"), 4) == State::too_large);
    CHECK(state_of(core::compress("12345"), 5) == State::ok);
    CHECK(state_of(core::compress("12345"), 4) == State::too_large);
    CHECK(state_of(streamed_zstd("12345"), 4) == State::too_large);
    CHECK(state_of(zipped({{"a", "12345"}}), 5) == State::ok);
    CHECK(state_of(zipped({{"a", "12345"}}), 4) == State::too_large);
    CHECK(unpack(gzipped("12345"), 4).reason == "the body is larger than 4 bytes when it is unpacked");
}

TEST_CASE("a zip that lies about its size is bounded all the same", "[collector][unpack]") {
    const std::string bomb(64 * mebibyte, '\0');
    auto packed = zipped({{"bomb", bomb}});
    const std::string told("\0\0\0\x04", 4), lie("\x0a\0\0\0", 4);  // 64 MiB, 10
    int lies = 0;
    for (auto at = packed.find(told); at != std::string::npos; at = packed.find(told, at + 4), ++lies) packed.replace(at, 4, lie);
    CHECK(lies >= 1);
    CHECK(state_of(packed) != State::ok);
}

TEST_CASE("a zip of several files names them, and is not asked for again", "[collector][unpack]") {
    const auto several = unpack(zipped({{"a.csv", "1"}, {"b/", ""}, {"b/c.csv", "2"}}), mebibyte);
    CHECK(several.state == State::unsuitable);
    CHECK(several.reason == "the zip of the body holds 2 files, where one is expected: a.csv, b/c.csv");
    const auto many = unpack(zipped({{"1", ""}, {"2", ""}, {"3", ""}, {"4", ""}, {"5", ""}, {"6", ""}}), mebibyte);
    CHECK(many.reason == "the zip of the body holds 6 files, where one is expected: 1, 2, 3, 4, 5 …");
    CHECK(unpack(std::string("PK\x05\x06", 4) + std::string(18, '\0'), mebibyte).reason == "the zip of the body holds no file");
    CHECK(state_of(zipped({{"folder/", ""}})) == State::unsuitable);
    CHECK(state_of(zipped({{"a", "secret"}}, "password")) == State::unsuitable);
}

TEST_CASE("what was cut off or changed on its way is damaged, wherever it happened", "[collector][unpack]") {
    std::string text;
    for (int i = 0; i < 2'000; ++i) text += std::to_string(i * i) + ",";
    for (const auto& packed : {gzipped(text), core::compress(text), zipped({{"data", text}})}) {
        for (std::size_t size = 4; size < packed.size(); size += 97) {
            INFO(size << " of " << packed.size());
            CHECK(state_of(packed.substr(0, size)) != State::ok);
        }
        for (std::size_t at = 40; at + 100 < packed.size(); at += 997) {
            auto changed = packed;
            changed[at] = static_cast<char>(changed[at] ^ 0x10);
            const auto result = unpack(changed, mebibyte);  // zstd here carries no checksum
            CHECK((result.state != State::ok || packed.starts_with("\x28")));
        }
    }
    CHECK(state_of("\x1f\x8b\x08") == State::damaged);
    CHECK(state_of("PK\x03\x04") == State::damaged);
    CHECK(state_of("\x28\xb5\x2f\xfd") == State::damaged);
    CHECK(state_of(gzipped("a") + "rubbish") == State::damaged);
}

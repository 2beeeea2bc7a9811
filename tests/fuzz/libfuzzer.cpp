#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

// Compiled once per target, with PAWL_FUZZ_TARGET set to its function.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    pawl::fuzz::PAWL_FUZZ_TARGET({reinterpret_cast<const char*>(bytes), size});
    return 0;
}

#include "core/unzstd.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>

#include "core/errors.hpp"
#include "core/json_document.hpp"

namespace pawl::core {

std::string unzstd(std::string_view frames, std::size_t size_max) {
    constexpr std::size_t step = 256u << 10;  // room made at a time
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    if (!context) throw std::bad_alloc();
    ZSTD_inBuffer in{frames.data(), frames.size(), 0};
    std::string text;
    text.reserve(std::min(size_max, frames.size() * 4) + JsonDocument::padding);
    std::size_t left = 1;
    while (text.size() <= size_max) {
        const std::size_t had = text.size();
        text.resize(std::min(had + step, size_max + 1));
        ZSTD_outBuffer out{text.data() + had, text.size() - had, 0};
        left = ZSTD_decompressStream(context.get(), &out, &in);
        const bool full = out.pos == out.size;
        text.resize(had + out.pos);
        if (ZSTD_isError(left)) throw PermanentError(std::string("its zstd does not unpack: ") + ZSTD_getErrorName(left));
        if (in.pos < in.size || (full && left != 0)) continue;
        if (left != 0) throw PermanentError("its zstd ends in the middle");
        break;
    }
    return text;
}

}  // namespace pawl::core

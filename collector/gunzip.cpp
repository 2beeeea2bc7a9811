#include "collector/gunzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace pawl::collector {

struct Gunzip::Stream {
    z_stream z{};
};

namespace {

constexpr int gzip_only =
    16 + MAX_WBITS;  // zlib.h: a gzip header is expected, no zlib or raw deflate
constexpr std::size_t step_bytes = 64u << 10;  // room made at a time

Bytef* bytes(char* text) { return reinterpret_cast<Bytef*>(text); }

}  // namespace

Gunzip::Gunzip() : stream_(std::make_unique<Stream>()) {
    if (inflateInit2(&stream_->z, gzip_only) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { inflateEnd(&stream_->z); }

Gunzip::Step Gunzip::feed(std::string_view wire, std::string& out, std::size_t size_max) {
    auto& z = stream_->z;
    z.next_in = bytes(const_cast<char*>(
        wire.data()));  // zlib does not write there; ZLIB_CONST is not set everywhere
    z.avail_in = static_cast<uInt>(wire.size());
    bool out_full = true;
    while (z.avail_in > 0 || out_full) {
        if (complete_) {
            if (z.avail_in == 0) return Step::ok;
            if (inflateReset(&z) != Z_OK) return Step::broken;  // a further member
            complete_ = false;
        }
        const auto have = out.size();
        const auto room = std::min(
            step_bytes, size_max + 1 - have);  // one byte more than allowed tells "too large"
        out.resize(have + room);
        z.next_out = bytes(out.data() + have);
        z.avail_out = static_cast<uInt>(room);
        const auto result = inflate(&z, Z_NO_FLUSH);
        out.resize(have + room - z.avail_out);
        out_full = z.avail_out == 0;
        if (out.size() > size_max) return Step::too_large;
        if (result == Z_STREAM_END) {
            complete_ = true;
            out_full = false;
        } else if (result == Z_BUF_ERROR) {
            return Step::ok;  // all input is used, more must come
        } else if (result != Z_OK) {
            return Step::broken;
        }
    }
    return Step::ok;
}

}  // namespace pawl::collector

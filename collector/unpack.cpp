#include "collector/unpack.hpp"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "collector/gunzip.hpp"
#include "core/errors.hpp"
#include "core/json_document.hpp"
#include "core/unicode.hpp"
#include "core/unzstd.hpp"

namespace pawl::collector {

namespace {

using State = Unpacked::State;
using namespace std::string_view_literals;

constexpr auto gzip_magic = "\x1f\x8b\x08"sv, zstd_magic = "\x28\xb5\x2f\xfd"sv;
constexpr auto zip_magic = "PK\x03\x04"sv, empty_zip_magic = "PK\x05\x06"sv;

Unpacked not_unpacked(State state, std::string reason) { return {state, {}, std::move(reason)}; }

Unpacked too_large(std::size_t size_max) {
    return not_unpacked(State::too_large, "the body is larger than " + std::to_string(size_max) + " bytes when it is unpacked");
}

Unpacked within(std::string body, std::size_t size_max) {
    if (body.size() > size_max) return too_large(size_max);
    return {State::ok, std::move(body), {}};
}

Unpacked gunzipped(std::string_view packed, std::size_t size_max) {
    Gunzip gunzip;
    std::string body;
    body.reserve(std::min(size_max, packed.size() * 4) + core::JsonDocument::padding);
    switch (gunzip.feed(packed, body, size_max)) {
        case Gunzip::Step::ok: break;
        case Gunzip::Step::too_large: return too_large(size_max);
        case Gunzip::Step::broken: return not_unpacked(State::damaged, "the body is damaged: its gzip does not unpack");
    }
    if (!gunzip.is_complete()) return not_unpacked(State::damaged, "the gzip of the body ends in the middle");
    return within(std::move(body), size_max);
}

Unpacked unzstded(std::string_view packed, std::size_t size_max) {
    try {
        return within(core::unzstd(packed, size_max), size_max);
    } catch (const core::PermanentError& error) {
        return not_unpacked(State::damaged, std::string("the body is damaged: ") + error.what());
    }
}

/// One zip in memory, open for reading.
class Zip {
  public:
    explicit Zip(std::string_view bytes) {
        zip_error_init(&error_);
        zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error_);
        if (source == nullptr) throw std::bad_alloc();
        archive_ = zip_open_from_source(source, ZIP_RDONLY, &error_);
        if (archive_ == nullptr) zip_source_free(source);
    }
    ~Zip() {
        if (archive_ != nullptr) zip_discard(archive_);
        zip_error_fini(&error_);
    }
    Zip(const Zip&) = delete;
    Zip& operator=(const Zip&) = delete;

    [[nodiscard]] zip_t* get() const { return archive_; }
    [[nodiscard]] std::string error() { return zip_error_strerror(archive_ != nullptr ? zip_get_error(archive_) : &error_); }

  private:
    zip_error_t error_{};
    zip_t* archive_ = nullptr;
};

/// Files of a zip, by their place in it; folders are entries of their own, whose names end with a slash.
std::vector<zip_uint64_t> files_of(zip_t* archive) {
    std::vector<zip_uint64_t> files;
    const auto count = static_cast<zip_uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive, 0), 0));
    for (zip_uint64_t i = 0; i < count; ++i) {
        const char* name = zip_get_name(archive, i, ZIP_FL_ENC_GUESS);
        if (name != nullptr && !std::string_view(name).ends_with('/')) files.push_back(i);
    }
    return files;
}

std::string names_of_files(zip_t* archive, const std::vector<zip_uint64_t>& files) {
    constexpr std::size_t named_max = 5, name_bytes_max = 80;
    std::string names;
    for (std::size_t i = 0; i < files.size() && i < named_max; ++i) {
        const std::string_view name = zip_get_name(archive, files[i], ZIP_FL_ENC_GUESS);
        names += (i == 0 ? "" : ", ") + core::repair_utf8(name.substr(0, name_bytes_max));
    }
    return files.size() > named_max ? names + " …" : names;
}

std::string read_file(zip_file_t* file, std::size_t size_max, bool& damaged) {
    constexpr std::size_t step = 256u << 10;  // room made at a time
    std::string body;
    while (body.size() <= size_max) {
        const std::size_t had = body.size();
        body.resize(std::min(had + step, size_max + 1));
        const auto got = zip_fread(file, body.data() + had, body.size() - had);
        body.resize(had + static_cast<std::size_t>(std::max<zip_int64_t>(got, 0)));
        damaged = got < 0;
        if (got <= 0) break;
    }
    return body;
}

Unpacked unzipped(std::string_view packed, std::size_t size_max) {
    Zip zip(packed);
    if (zip.get() == nullptr) return not_unpacked(State::damaged, "the body is damaged: its zip does not open: " + zip.error());
    const auto files = files_of(zip.get());
    if (files.empty()) return not_unpacked(State::unsuitable, "the zip of the body holds no file");
    if (files.size() > 1)
        return not_unpacked(State::unsuitable, "the zip of the body holds " + std::to_string(files.size()) +
                                                   " files, where one is expected: " + names_of_files(zip.get(), files));
    zip_stat_t told;
    if (zip_stat_index(zip.get(), files[0], 0, &told) == 0 && (told.valid & ZIP_STAT_SIZE) != 0 && told.size > size_max)
        return too_large(size_max);
    const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen_index(zip.get(), files[0], 0), &zip_fclose);
    if (!file) return not_unpacked(State::unsuitable, "the file in the zip of the body does not open: " + zip.error());
    bool damaged = false;
    std::string body = read_file(file.get(), size_max, damaged);
    if (damaged) return not_unpacked(State::damaged, "the body is damaged: the file in its zip does not unpack");
    return within(std::move(body), size_max);
}

}  // namespace

bool is_packed(std::string_view body) {
    return body.starts_with(gzip_magic) || body.starts_with(zstd_magic) || body.starts_with(zip_magic) ||
           body.starts_with(empty_zip_magic);
}

Unpacked unpack(std::string_view body, std::size_t size_max) {
    if (body.starts_with(gzip_magic)) return gunzipped(body, size_max);
    if (body.starts_with(zstd_magic)) return unzstded(body, size_max);
    return unzipped(body, size_max);
}

}  // namespace pawl::collector

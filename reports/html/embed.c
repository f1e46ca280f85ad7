/* Files of the page as C strings, with the hashes that its Content-Security-Policy names.
 *   gpup_html_embed OUT.c NAME FILE [NAME FILE]... */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1u << 20);
    *size = file && bytes ? fread(bytes, 1, 1u << 20, file) : 0;
    if (file)
        fclose(file);
    return *size && *size < 1u << 20 ? bytes : (free(bytes), NULL);
}

static void emit(FILE *out, const char *name, const char *bytes, size_t size) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_ORIGINAL)];
    crypto_hash_sha256(hash, (const unsigned char *)bytes, size);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    fprintf(out, "const char html_%s_hash[] = \"sha256-%s\";\nconst char html_%s[] = {", name, text, name);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s%d,", i % 24 ? "" : "\n", bytes[i]);
    fputs("0};\n", out);
}

int main(int argc, char **argv) {
    FILE *out = argc > 3 ? fopen(argv[1], "w") : NULL;
    if (!out)
        return fprintf(stderr, "usage: gpup_html_embed OUT.c NAME FILE...\n"), 2;
    fputs("extern const char html_template[], html_style[], html_script[];\n"
          "extern const char html_template_hash[], html_style_hash[], html_script_hash[];\n",
          out);
    for (int i = 2; i + 1 < argc; i += 2) {
        size_t size;
        char *bytes = read_all(argv[i + 1], &size);
        if (!bytes)
            return fprintf(stderr, "%s: cannot be read, or is 1 MiB or more\n", argv[i + 1]), fclose(out), 2;
        emit(out, argv[i], bytes, size);
        free(bytes);
    }
    return fclose(out) == 0 ? 0 : 2;
}

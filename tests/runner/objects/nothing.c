/* A shared object that is no implementation: it exports neither entry. */
int unrelated(void);

int unrelated(void) {
    return 1;
}

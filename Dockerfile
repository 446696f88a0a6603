# docker build -t latent . && docker run --rm -v "$PWD/runs:/home/latent/latent/runs" latent
FROM golang:1.26-bookworm AS go
FROM debian:12
COPY --from=go /usr/local/go /usr/local/go
COPY scripts/build/container.sh /tmp/
RUN GO=/usr/local/go /tmp/container.sh && useradd --create-home latent
COPY --chown=latent . /home/latent/latent
USER latent
WORKDIR /home/latent/latent
RUN make
CMD ["make", "train"]

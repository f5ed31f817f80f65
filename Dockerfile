# One image for every role; compose says which command it runs.
FROM python:3.12-slim AS build
WORKDIR /app
RUN pip install --no-cache-dir uv
COPY pyproject.toml README.md LICENSE ./
COPY bots bots
COPY engine engine
COPY jobs jobs
COPY sandbox sandbox
COPY storage storage
RUN uv venv /opt/omc && VIRTUAL_ENV=/opt/omc uv pip install --no-cache --compile-bytecode ".[fetch,anthropic]" \
    && MPLCONFIGDIR=/opt/omc/matplotlib /opt/omc/bin/python -c "import matplotlib.font_manager"

FROM python:3.12-slim
# A name in the passwd file is needed: Postgres refuses to run for a bare number.
RUN useradd --create-home --uid 10001 omc && install -d -o omc -g omc /var/lib/omc /run/omc
COPY --from=build /opt/omc /opt/omc
ENV PATH=/opt/omc/bin:$PATH \
    OMC_HOME=/var/lib/omc \
    MPLCONFIGDIR=/opt/omc/matplotlib \
    OMP_WAIT_POLICY=PASSIVE \
    PYTHONUNBUFFERED=1
USER omc
WORKDIR /home/omc
VOLUME /var/lib/omc
ENTRYPOINT ["omc"]
CMD ["doctor"]
